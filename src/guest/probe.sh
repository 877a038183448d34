# Inspects the guest and changes nothing. Runs after section.sh.
socket=/var/run/docker.sock
daemon_json=/etc/docker/daemon.json
loaded=/var/lib/cai/daemon.json.loaded
seccomp=/etc/docker/cai-seccomp.json
stopped=/var/lib/cai/stopped-containers
# The login PATH of a Debian user lacks sbin, which contains dockerd. Not every version of systemd
# can print a time as a number, but with TZ=UTC all of them print it in UTC.
export LC_ALL=C TZ=UTC PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

active() { [ "${state:=$(systemctl is-active docker.service 2>/dev/null)}" = active ]; }
# Logs are read only if something is wrong.
daemon_log() { { active && [ -S "$socket" ]; } || timeout 10 sudo -n journalctl -u docker.service -n 20 -q --no-pager -o cat; }
stopped_containers() { [ ! -e "$stopped" ] || cat "$stopped"; }
provision_log() { [ ! -e /run/cai-provision-failed ] || timeout 10 sudo -n tail -n 60 /var/log/cloud-init-output.log; }

# Starting a process takes longer than its work here, so one process reads several files.
system() {
  section user id -un
  section session id -G
  section passwd getent passwd
  section groups getent group
  section arch dpkg --print-architecture
  section cpus getconf _NPROCESSORS_CONF
  section memory grep MemTotal /proc/meminfo
  section dockerd command -v dockerd
  section packages dpkg-query -W -f='${db:Status-Status} ${Package} ${Version}\n' docker.io docker-ce sysbox-ce
  section units systemctl show --property=Id,LoadState,ActiveState,UnitFileState,ExecMainStartTimestamp \
    docker.service docker.socket sysbox.service sysbox-mgr.service sysbox-fs.service
  section socket stat -L -c '%F|%a|%U|%u|%G|%g' "$socket"
  section provision_failed cat /run/cai-provision-failed
  section daemon_log daemon_log
  section provision_log provision_log
  section daemon_json cat "$daemon_json"
  section daemon_loaded cat "$loaded"
  section stopped stopped_containers
  section sums sha256sum "$daemon_json" "$seccomp"
  section written stat -c '%n|%Y' "$daemon_json" "$loaded" "$seccomp"
}
# Sends requests to dockerd's API without the docker client. Each answer is one line: the path and
# the document. A container that ended after it was listed is omitted. If only /info fails, its line
# is missing. A list of volumes through the API would query volume plugins, so the entries of their
# directory are counted. Perl is essential in Debian and Ubuntu, and the script loads no module.
ask_dockerd() {
  section api timeout 20 sudo -n perl -e '
    sub fail { print STDERR "GET $path: @_\n"; exit 1 }
    $SIG{TERM} = sub { fail("no answer within 20 s") };
    $SIG{PIPE} = "IGNORE";

    sub get {
      ($path, my $may_fail) = @_;
      # AF_UNIX and SOCK_STREAM. Loading the module with these constants takes longer than the rest.
      socket(DOCKERD, 1, 1, 0) && connect(DOCKERD, pack("SZ*", 1, $ARGV[0]))
        or fail("cannot connect to $ARGV[0]: $!");
      syswrite DOCKERD, "GET $path HTTP/1.0\r\n\r\n";
      local $/;
      my ($status, $body) = <DOCKERD> =~ /^HTTP\S+ (.*?)\r\n.*?\r\n\r\n(.*)/s
        or fail("dockerd closed the connection");
      if ($status !~ /^200/) {
        return if $may_fail && $status =~ $may_fail;
        $body =~ s/^\{"message":"(.*)"\}\s*$/$1/s;
        fail("$status: $body");
      }
      $body =~ tr/\r\n/ /;
      $answers .= "$path $body\n";
      $body;
    }

    # This does not match inside a JSON string, where a backslash precedes each quotation mark.
    get("/containers/$_/json", "^404") for get("/containers/json") =~ /"Id":"([0-9a-f]{64})"/g;
    my ($root) = get("/info", ".") =~ /"DockerRootDir":"([^"\\]+)"/;
    if ($root && opendir my $directory, "$root/volumes") {
      my @volumes = grep { !/^\./ && lstat "$root/volumes/$_" && -d _ } readdir $directory;
      $answers .= "volumes " . @volumes . "\n";
    }
    print $answers;
  ' "$socket"
}

# Only an active daemon is asked: with socket activation, a request would start a stopped one. The
# other facts are read meanwhile. Their output waits in the pipe, because dockerd has a time limit.
if active; then
  { system; looks "$@"; } | { ask_dockerd; cat; }
else
  system
  looks "$@"
fi
printf '@%s end\n' "$mark"
