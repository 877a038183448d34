# Restarts the daemon. With live-restore loaded its containers keep running.
set -eu
socket=/var/run/docker.sock
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
systemctl restart "$@"
mkdir -p /var/lib/cai
if [ -e /etc/docker/daemon.json ]; then
  cp /etc/docker/daemon.json /var/lib/cai/daemon.json.loaded
fi
