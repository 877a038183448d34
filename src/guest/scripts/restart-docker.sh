# Restarts the daemon. With live-restore loaded its containers keep running. $2: "restore" to restore
# the previous daemon.json if dockerd does not start with the new one; "keep" not to touch it.
set -eu
socket=/var/run/docker.sock
mode=$2
set -- docker.service
# Where the socket's file was removed, systemd goes on listening where nobody comes any more: the
# file comes back with its own unit only. Both are named, so that this waits for the daemon.
if [ ! -S "$socket" ] && systemctl is-active --quiet docker.socket; then
  set -- docker.socket docker.service
  # dockerd makes a directory of a path that is missing where a container mounts it. With it there
  # the unit would fail, and Docker stay down.
  if [ -d "$socket" ]; then rmdir "$socket"; fi
fi
# systemd refuses a fourth start within a minute, whoever asked for the other three.
systemctl reset-failed "$@" 2>/dev/null || true
if ! systemctl restart "$@"; then
  echo "dockerd does not start. It said:" >&2
  journalctl -u docker.service -t dockerd -n 40 -q --no-pager -o cat | grep -v level=info | tail -n 3 >&2 || true
  if [ "$mode" = restore ] && restore; then
    systemctl reset-failed "$@" 2>/dev/null || true
    if systemctl restart "$@"; then
      echo "the previous $file is restored, and dockerd runs with it" >&2
    else
      echo "the previous $file is restored, and dockerd does not start with it either" >&2
    fi
  fi
  exit 4
fi
mkdir -p /var/lib/cai
if [ -e "$file" ]; then cp "$file" "$loaded"; fi
accepted
