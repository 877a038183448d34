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
section session id -Gn
section groups getent group
section cpus getconf _NPROCESSORS_CONF
section memory grep MemTotal /proc/meminfo
section dockerd command -v dockerd
section units systemctl show --property=Id,LoadState,ActiveState,UnitFileState docker.service docker.socket
section socket stat -L -c '%F|%a|%U|%u|%G|%g' "$socket"
section provision_failed cat /run/cai-provision-failed
if active; then
  # Only then: with socket activation, a question to a stopped daemon would start it.
  section containers timeout 20 sudo -n docker -H "unix://$socket" ps --no-trunc --format '{{.ID}}|{{.Names}}|{{.Status}}'
else
  section docker_log sudo -n journalctl --unit=docker.service --boot --lines=15 --no-pager --output=cat
fi
printf '@%s end\n' "$mark"
