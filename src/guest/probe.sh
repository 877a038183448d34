# Inspects the guest and changes nothing. Runs after section.sh.
socket=/var/run/docker.sock
daemon_json=/etc/docker/daemon.json
loaded=/var/lib/cai/daemon.json.loaded
seccomp=/etc/docker/cai-seccomp.json
data_disk=/etc/systemd/system/var-lib-cai-data.mount
stopped=/var/lib/cai/stopped-containers
# The login PATH of a Debian user lacks sbin, which contains dockerd. Not every version of systemd
# can print a time as a number, but with TZ=UTC all of them print it in UTC.
export LC_ALL=C TZ=UTC PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

active() { [ "${state:=$(systemctl is-active docker.service 2>/dev/null)}" = active ]; }
# Logs are read only if something is wrong.
daemon_log() { { active && [ -S "$socket" ]; } || timeout 10 sudo -n journalctl -u docker.service -n 20 -q --no-pager -o cat; }
stopped_containers() { [ ! -e "$stopped" ] || cat "$stopped"; }
restart_due() { [ ! -d /var/lib/cai/restart-due ] || grep -H . /var/lib/cai/restart-due/*; }
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
  section units systemctl show --property=Id,LoadState,ActiveState,UnitFileState,ExecMainStartTimestamp,InvocationID \
    docker.service docker.socket sysbox.service sysbox-mgr.service sysbox-fs.service
  section socket stat -L -c '%F|%a|%U|%u|%G|%g' "$socket"
  section provision_failed cat /run/cai-provision-failed
  section daemon_log daemon_log
  section provision_log provision_log
  section daemon_json cat "$daemon_json"
  section daemon_loaded cat "$loaded"
  section stopped stopped_containers
  section restart_due restart_due
  section sums sha256sum "$daemon_json" "$seccomp" "$data_disk"
  section written stat -c '%n|%Y' "$daemon_json" "$loaded" "$seccomp"
}
