# Restarts the daemon. With live-restore loaded, its containers keep running. $2: "restore" to
# restore the previous daemon.json if dockerd does not start with the new one, or "keep".
set -eu
socket=/var/run/docker.sock
mode=$2
set -- docker.service
# If the socket file was deleted, systemd still listens on the deleted socket. Only a restart of the
# socket unit recreates the file. Restarting both units makes this script wait for the daemon.
if [ ! -S "$socket" ] && systemctl is-active --quiet docker.socket; then
  set -- docker.socket docker.service
  # If a container mounts the missing path, dockerd creates a directory there. The socket unit would
  # fail with it, and Docker would not start.
  if [ -d "$socket" ]; then rmdir "$socket"; fi
fi
# The unit may have changed.
systemctl daemon-reload
# systemd refuses a fourth start within a minute, whoever requested the others.
systemctl reset-failed "$@" 2>/dev/null || true
if ! systemctl restart "$@"; then
  echo "dockerd does not start. Its last messages:" >&2
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
rm -rf /var/lib/cai/restart-due
mkdir -p /var/lib/cai
if [ -e "$file" ]; then cp "$file" "$loaded"; fi
accepted
