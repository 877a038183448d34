//! The rules of `[egress]` on a guest: with its systemd, its Docker and its own packages of nftables and
//! dnsmasq. The internet is a network namespace in the guest.

use super::declared::Declared;
use super::doctor::{finding, is_healthy};
use super::engine::{Engine, shared};
use super::faults::saw;
use super::with_vm;
use crate::support::trials;

use containai::doctor::Code;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![containers_reach_what_the_file_lists_until_it_lists_nothing]
}

const EGRESS: &str = "[egress]\nallow = [\"github.com:443\"]\nlog = true\n";

/// The internet: a name server, and two servers that accept connections. The guest's own name server is
/// the one there.
const INTERNET: &str = r#"set -eu
ip netns del internet 2>/dev/null || true
ip netns add internet
ip link add to-internet type veth peer name eth0 netns internet
ip addr add 198.51.100.1/24 dev to-internet
ip link set to-internet up
ip -n internet link set lo up
ip -n internet addr add 198.51.100.53/24 dev eth0
ip -n internet addr add 203.0.113.10/32 dev lo
ip -n internet addr add 203.0.113.20/32 dev lo
ip -n internet link set eth0 up
ip -n internet route add default via 198.51.100.1
ip route add 203.0.113.0/24 via 198.51.100.53
systemd-run -q --unit=cai-test-names ip netns exec internet dnsmasq -k -C /dev/null --no-resolv --no-hosts \
  --user=root --pid-file= --listen-address=198.51.100.53 --bind-interfaces \
  --host-record=github.com,203.0.113.10 --host-record=evil.example,203.0.113.20
systemd-run -q --unit=cai-test-server ip netns exec internet perl -MIO::Socket::INET -e '
  my $server = IO::Socket::INET->new(Listen => 9, LocalAddr => "0.0.0.0", LocalPort => 443, ReuseAddr => 1) or die;
  while (my $peer = $server->accept) { print $peer "hello\n"; close $peer }'
rm -f /etc/resolv.conf
echo nameserver 198.51.100.53 >/etc/resolv.conf
"#;

/// Without the internet of the test.
const NO_INTERNET: &str = "sudo systemctl stop cai-test-names cai-test-server; sudo ip netns del internet; \
                           sudo ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf";

/// A container with a shell that can connect.
const IMAGE: &str = "set -e; files=$(ldd /bin/bash | grep -o '[[:space:]]/[^ ]*' | sort -u); \
                     sudo tar -C / -chf - bin/bash $files 2>/dev/null | sudo docker import - cai-test-bash >/dev/null";

/// Whether a container connects to this address or name on port 443.
fn connects(engine: &Engine, network: &str, to: &str) -> bool {
    let script = format!("read -r line <>/dev/tcp/{to}/443 && [ \"$line\" = hello ]");
    let run = ["run", "--rm", "--name=agent", "--network", network, "--entrypoint=/bin/bash"];
    engine.docker(&[&run[..], &["cai-test-bash", "-c", &script]].concat()).status.success()
}

#[track_caller]
fn is_enforced(engine: &Engine) {
    assert!(!connects(engine, "bridge", "203.0.113.20"));
    for network in ["bridge", "team"] {
        assert!(connects(engine, network, "github.com"), "{network}");
        assert!(!connects(engine, network, "evil.example"), "{network}");
        assert!(!connects(engine, network, "169.254.169.254"), "{network}");
    }
}

fn containers_reach_what_the_file_lists_until_it_lists_nothing() {
    let engine = shared();
    engine.guest("sudo apt-get -q -y install nftables dnsmasq-base >/dev/null");
    engine.guest("sudo apt-get -q -y purge nftables >/dev/null");
    engine.guest(&format!("sudo sh -c '{}'", INTERNET.replace('\'', "'\\''")));
    engine.guest(IMAGE);
    let before =
        engine.guest("cat /etc/docker/daemon.json; ls /etc/systemd/system; ls -d /etc/cai; true");
    engine.declare(&Declared { tables: EGRESS, ..Declared::default() });
    engine.plan_says(&["+ egress.containers", "192.0.2.53", "dockerd restart"]);
    engine.apply_mends();
    engine.docker(&["network", "create", "team"]).success();
    is_enforced(&engine);
    let log = engine.cai(&["logs", "egress"]);
    assert!(log.success().contains(" evil.example (name)"), "{log}");
    // The firewall of a container cannot write to the kernel's log.
    if with_vm() {
        for line in ["203.0.113.20:443 TCP", "169.254.169.254:443 TCP"] {
            assert!(log.success().contains(line), "{line}: {log}");
        }
    }
    let deep = engine.cai(&["doctor", "--deep"]);
    let line = "A container reaches github.com:443, and the rules refuse 169.254.169.254.";
    deep.success();
    assert!(deep.to_string().replace("\n  ", " ").contains(line), "{deep}");

    engine.guest("sudo nft delete table inet cai_egress");
    assert!(saw(&finding(&engine, &[], Code::EgressOpen), "rules", "missing"));
    engine.guest("sudo systemctl stop cai-egress-dns");
    engine.cai(&["doctor", "--fix", "--yes"]).success();
    engine.works();
    is_enforced(&engine);
    engine.guest("sudo systemctl stop cai-egress-dns");
    assert!(saw(&finding(&engine, &[], Code::EgressResolverDown), "resolver", "not running"));
    assert!(!connects(&engine, "bridge", "evil.example"));
    engine.cai(&["doctor", "--fix", "--yes"]).success();

    // The rules load before Docker starts.
    engine.cai(&["restart", "--yes"]).success();
    engine.guest(&format!("sudo sh -c '{}'", INTERNET.replace('\'', "'\\''")));
    engine.guest("sudo systemctl restart cai-egress-dns");
    is_healthy(&engine, &[]);
    is_enforced(&engine);
    let started = "systemctl show --property=ActiveEnterTimestampMonotonic --value";
    let order = format!("[ $({started} cai-egress) -lt $({started} docker) ] && echo rules first");
    assert_eq!(engine.guest(&order), "rules first");

    engine.docker(&["network", "rm", "team"]).success();
    engine.docker(&["image", "rm", "cai-test-bash"]).success();
    engine.declare(&Declared::default());
    engine.plan_says(&["- egress.containers  no longer in containai.toml"]);
    engine.apply_mends();
    let after =
        engine.guest("cat /etc/docker/daemon.json; ls /etc/systemd/system; ls -d /etc/cai; true");
    assert_eq!(after, before);
    let left = "sudo nft list tables | grep cai; ls -d /run/cai-egress 2>/dev/null; \
                systemctl list-units --all --plain --quiet 'cai-egress*'; true";
    assert_eq!(engine.guest(left), "");
    engine.guest(NO_INTERNET);
    engine.works();
}
