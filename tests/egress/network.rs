//! A guest, its containers and the internet as network namespaces of this machine. The kernel's firewall,
//! nft, dnsmasq and the files of `cai` are real. There is neither Docker nor systemd.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use containai::config;
use containai::guest::GuestFile;
use containai::guest::egress::{LOADED, files};
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, sendto, socket,
};

use super::dns::{self, Answer};

/// The names that the internet knows, as dnsmasq's hosts file.
const HOSTS: &str = "203.0.113.10 github.com\n2001:db8:99::10 github.com\n203.0.113.11 api.github.com\n\
                     203.0.113.12 raw.githubusercontent.com\n203.0.113.20 evil.example\n\
                     2001:db8:99::20 evil.example\n203.0.113.30 cdn.example\n10.9.9.9 inside.github.com\n\
                     10.9.9.9 rebind.example\n";
/// A server that no container may reach otherwise.
const SERVER: &str = "8.8.8.8";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The namespaces, and the processes in them.
pub struct Network {
    name: String,
    directory: tempfile::TempDir,
    /// Holds the guest's mount namespace.
    guest: Child,
    internet: Child,
    resolver: Option<Child>,
}

/// Where a program runs.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// In a container of the default bridge.
    Container,
    /// In a container of a user-defined network.
    Other,
    /// In a container whose engine runs in the first one, behind its address.
    Nested,
    /// In the guest itself.
    Guest,
    /// Anywhere else.
    Internet,
}

impl Place {
    fn suffix(self) -> &'static str {
        match self {
            Self::Container => "c1",
            Self::Other => "c2",
            Self::Nested => "c3",
            Self::Guest => "g",
            Self::Internet => "i",
        }
    }
}

impl Network {
    /// A network whose guest enforces the `[egress]` table with these lines.
    pub fn new(lines: &str) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cai{}-{count}", std::process::id());
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for part in ["etc", "work", "run"] {
            fs::create_dir(path(part)).unwrap();
        }
        fs::write(path("hosts"), HOSTS).unwrap();
        fs::write(path("queries"), "").unwrap();
        run(Command::new("sh").args(["-eu", "-c", include_str!("network.sh"), "sh", &name]));
        // The guest has its own /etc and /run, so this machine's stay as they are.
        let mounts = "mount -t overlay none -o lowerdir=/etc,upperdir=etc,workdir=work /etc && \
                      mount -t tmpfs none /run && mkdir /run/cai-egress && \
                      rm -f /etc/resolv.conf && echo nameserver 192.168.5.3 >/etc/resolv.conf && \
                      echo ready && exec sleep infinity";
        let mut guest = Command::new("ip")
            .args(["netns", "exec", &format!("{name}-g"), "unshare", "-m", "sh", "-c", mounts])
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        guest.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        let log = format!("--log-facility={}", path("queries").display());
        let hosts = format!("--addn-hosts={}", path("hosts").display());
        let internet = Command::new("ip")
            .args(["netns", "exec", &format!("{name}-i"), "dnsmasq", "--keep-in-foreground"])
            .args([
                "--conf-file=/dev/null",
                "--no-resolv",
                "--no-hosts",
                "--user=root",
                "--pid-file=",
            ])
            .args([
                "--listen-address=192.168.5.3",
                "--bind-interfaces",
                "--log-queries",
                "--local-ttl=60",
            ])
            .args(["--cname=www.example,cdn.example", &log, &hosts])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut network = Self { name, directory, guest, internet, resolver: None };
        for address in [
            "203.0.113.10",
            "203.0.113.11",
            "203.0.113.12",
            "203.0.113.20",
            "203.0.113.30",
            "203.0.113.40",
            "169.254.169.254",
            "100.100.100.200",
            "10.9.9.9",
            "10.1.2.3",
            "2001:db8:99::10",
            "2001:db8:99::20",
            "fd00:ec2::254",
        ] {
            for port in [80, 443] {
                network.serve(Place::Internet, address, port);
            }
        }
        wait("the internet's name server", || {
            network.query_of(Place::Internet, "192.168.5.3", "github.com", false).is_some()
        });
        network.apply(lines);
        network.start_resolver();
        network
    }

    /// Writes the files of a policy and loads its rules.
    pub fn apply(&self, lines: &str) {
        let text = format!("version = 1\n[egress]\n{lines}\n");
        let config = config::parse(&text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let policy = config.egress.unwrap().policy();
        for GuestFile { path, mode, text } in files(&policy, "{}") {
            let write = format!("mkdir -p \"${{1%/*}}\" && cat >\"$1\" && chmod {mode} \"$1\"");
            let mut child = self
                .in_guest(&["sh", "-c", &write, "sh", &path])
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            assert!(child.wait().unwrap().success(), "{path}");
        }
        run(&mut self.in_guest(&["/etc/cai/egress", "check"]));
        run(&mut self.in_guest(&["/etc/cai/egress", "load"]));
    }

    /// Starts the resolver, and waits until it answers.
    pub fn start_resolver(&mut self) {
        self.stop_resolver();
        let mut resolver = self.in_guest(&["/etc/cai/egress", "resolve"]);
        self.resolver = Some(resolver.stderr(Stdio::null()).spawn().unwrap());
        wait("the resolver", || {
            self.query_of(Place::Container, SERVER, "a.invalid", false).is_some()
        });
    }

    pub fn stop_resolver(&mut self) {
        if let Some(mut resolver) = self.resolver.take() {
            resolver.kill().unwrap();
            resolver.wait().unwrap();
        }
    }

    fn in_guest(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.guest.id().to_string(), "-m", "-n", "--"]).args(words);
        command
    }

    /// Whether the rules in force are those that were loaded.
    pub fn is_as_loaded(&self) -> bool {
        let shown = format!("nft -s -t list table inet cai_egress | cmp -s - {LOADED}");
        self.in_guest(&["sh", "-c", &shown]).status().unwrap().success()
    }

    /// Runs nft in the guest.
    pub fn nft(&self, words: &[&str]) -> String {
        run(&mut self.in_guest(&[&["nft"], words].concat()))
    }

    /// Gives a name of the internet another address.
    pub fn rename(&self, from: &str, to: &str) {
        let hosts = self.directory.path().join("hosts");
        let text = fs::read_to_string(&hosts).unwrap().replace(from, to);
        fs::write(&hosts, text).unwrap();
        run(Command::new("kill").args(["-HUP", &self.internet.id().to_string()]));
    }

    /// Makes the resolver forget its answers.
    pub fn flush_cache(&self) {
        let resolver = self.resolver.as_ref().unwrap().id();
        run(Command::new("kill").args(["-HUP", &resolver.to_string()]));
    }

    /// The names that the internet's name server was asked for.
    pub fn queries(&self) -> String {
        fs::read_to_string(self.directory.path().join("queries")).unwrap()
    }

    /// Looks up a name's addresses, over UDP and IPv4.
    pub fn look_up(&self, from: Place, name: &str) -> Answer {
        self.query_of(from, SERVER, name, false).expect("an answer")
    }

    /// Asks a server, over TCP if `tcp`.
    pub fn query_of(&self, from: Place, server: &str, name: &str, tcp: bool) -> Option<Answer> {
        let (server, name) = (SocketAddr::new(server.parse().unwrap(), 53), name.to_owned());
        let mut answer = Answer::default();
        for kind in [dns::A, dns::AAAA] {
            let name = name.clone();
            let found = self.within(from, move || dns::ask(server, &name, kind, tcp))?;
            answer.code = found.code;
            answer.addresses.extend(found.addresses);
        }
        Some(answer)
    }

    /// Whether a connection works: it is made, and the other end answers.
    pub fn reaches(&self, from: Place, address: &str, port: u16) -> bool {
        self.connect(from, address, port).is_some_and(|mut stream| echoes(&mut stream))
    }

    /// Makes a connection.
    pub fn connect(&self, from: Place, address: &str, port: u16) -> Option<TcpStream> {
        let to = SocketAddr::new(address.parse::<IpAddr>().unwrap(), port);
        let limit = Duration::from_secs(5);
        let stream = self.within(from, move || TcpStream::connect_timeout(&to, limit).ok())?;
        stream.set_read_timeout(Some(limit)).unwrap();
        Some(stream)
    }

    /// Starts a server that sends back what it gets.
    pub fn serve(&mut self, place: Place, address: &str, port: u16) {
        let to = SocketAddr::new(address.parse::<IpAddr>().unwrap(), port);
        let listener = self.within(place, move || TcpListener::bind(to).unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let (mut stream, mut byte) = (stream, [0]);
                    while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
                });
            }
        });
    }

    /// Starts a server that sends back each datagram.
    pub fn serve_datagrams(&self, place: Place, address: &str, port: u16) {
        let to = SocketAddr::new(address.parse::<IpAddr>().unwrap(), port);
        let socket = self.within(place, move || UdpSocket::bind(to).unwrap());
        thread::spawn(move || {
            let mut data = [0; 100];
            while let Ok((length, from)) = socket.recv_from(&mut data) {
                let _ = socket.send_to(&data[..length], from);
            }
        });
    }

    /// Sends a datagram with another source, as root in a container can.
    pub fn forge(&self, place: Place, source: SocketAddrV4, to: SocketAddrV4) {
        self.within(place, move || {
            let kind = (SockType::Raw, SockFlag::empty(), SockProtocol::Raw);
            let socket = socket(AddressFamily::Inet, kind.0, kind.1, kind.2).unwrap();
            // The kernel fills in the checksum of the IP header; one of 0 is none for UDP.
            let mut packet = vec![0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0];
            packet.extend(source.ip().octets());
            packet.extend(to.ip().octets());
            packet.extend([source.port().to_be_bytes(), to.port().to_be_bytes()].concat());
            packet.extend([0, 9, 0, 0, 7]);
            sendto(socket.as_raw_fd(), &packet, &SockaddrIn::from(to), MsgFlags::empty()).unwrap();
        });
    }

    /// Whether a datagram from this port is answered.
    pub fn is_answered(&self, from: Place, port: u16, to: SocketAddrV4) -> bool {
        self.within(from, move || {
            let socket = UdpSocket::bind(("0.0.0.0", port)).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            socket.send_to(&[8], to).is_ok() && socket.recv(&mut [0; 9]).is_ok()
        })
    }

    /// Runs code in another namespace: sockets belong to the one that they are made in.
    fn within<T: Send + 'static>(
        &self,
        place: Place,
        code: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let path = PathBuf::from(format!("/run/netns/{}-{}", self.name, place.suffix()));
        let namespace = File::open(path).unwrap();
        let run = move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
            code()
        };
        thread::spawn(run).join().unwrap()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop_resolver();
        for child in [&mut self.internet, &mut self.guest] {
            let _ = child.kill();
            let _ = child.wait();
        }
        for suffix in ["g", "i", "c1", "c2", "c3"] {
            let name = format!("{}-{suffix}", self.name);
            let _ = Command::new("ip").args(["netns", "del", &name]).status();
        }
    }
}

/// Whether the other end sends back a byte.
pub fn echoes(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    stream.write_all(&[7]).is_ok() && stream.read_exact(&mut byte).is_ok() && byte == [7]
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Waits for a process that gives no sign when it is ready.
pub fn wait(what: &str, is_ready: impl Fn() -> bool) {
    for _ in 0..200 {
        if is_ready() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("waited in vain for {what}");
}

/// Whether this machine has what the suite needs.
pub fn is_possible() -> bool {
    let is_set = std::env::var_os("CAI_TEST_EGRESS").is_some_and(|value| !value.is_empty());
    let is_root = nix::unistd::Uid::effective().is_root();
    assert!(!is_set || is_root, "CAI_TEST_EGRESS needs root");
    is_set
}
