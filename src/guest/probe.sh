# Looks at the guest and changes nothing. $1 is a word that marks the lines of this document.
# It prints sections: a line "@MARK NAME", what a command printed, a line "@MARK = STATUS"; and
# "@MARK end" last, without which the document is cut off.
mark=$1
socket=/var/run/docker.sock
# The login PATH of a Debian user lacks sbin, where dockerd is.
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

section() {
  name=$1
  shift
  printf '@%s %s\n' "$mark" "$name"
  "$@" 2>&1 </dev/null
  printf '\n@%s = %s\n' "$mark" "$?"
}
active() { [ "$(systemctl is-active docker.service 2>/dev/null)" = active ]; }

section user id -un
section session id -G
section passwd getent passwd
section groups getent group
section arch dpkg --print-architecture
section cpus getconf _NPROCESSORS_CONF
section memory grep MemTotal /proc/meminfo
section dockerd command -v dockerd
section packages dpkg-query -W -f='${db:Status-Status} ${Package} ${Version}\n' docker.io docker-ce sysbox-ce
section units systemctl show --property=Id,LoadState,ActiveState,UnitFileState \
  docker.service docker.socket sysbox.service sysbox-mgr.service sysbox-fs.service
section socket stat -L -c '%F|%a|%U|%u|%G|%g' "$socket"
section provision_failed cat /run/cai-provision-failed
section daemon_json cat /etc/docker/daemon.json
section daemon_json_sum sha256sum /etc/docker/daemon.json
section daemon_json_written stat -c %Y /etc/docker/daemon.json
section daemon_started systemctl show --timestamp=unix --property=ExecMainStartTimestamp --value docker.service
section daemon_loaded cat /var/lib/cai/daemon.json.loaded
section daemon_loaded_written stat -c %Y /var/lib/cai/daemon.json.loaded
section seccomp_profile sha256sum /etc/docker/cai-seccomp.json
section seccomp_profile_written stat -c %Y /etc/docker/cai-seccomp.json
if active; then
  # Only then: with socket activation, a question to a stopped daemon would start it.
  section containers timeout 20 sudo -n sh -c 'ids=$(docker -H "$1" ps -q --no-trunc) && [ -z "$ids" ] ||
    docker -H "$1" inspect --format "{{.Id}}|{{slice .Name 1}}|{{.HostConfig.Runtime}}|{{.State.StartedAt}}" $ids' sh "unix://$socket"
  section runtimes timeout 20 sudo -n docker -H "unix://$socket" info --format '{{.DefaultRuntime}} {{range $name, $_ := .Runtimes}}{{$name}} {{end}}'
fi
printf '@%s end\n' "$mark"
