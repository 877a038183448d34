# Unmounts the disk with Docker's data and deletes the units $2, $3 and so on. The data stays on the disk. Docker
# is stopped afterward, and the next step starts it with the data on the VM's own disk.
set -eu
shift
trap 'systemctl start docker.socket docker.service || true' EXIT
# With live-restore, containers would keep running and keep the disk busy.
if systemctl is-active --quiet docker.service; then docker ps -q | xargs -r docker stop >/dev/null; fi
systemctl stop docker.socket docker.service
systemctl stop containerd.service 2>/dev/null || true
for path in "$@"; do
  case $path in *.mount) systemctl stop "${path##*/}" 2>/dev/null || true ;; esac
done
for path in "$@"; do
  rm -f "$path"
  case $path in *.service.d/*) rmdir "${path%/*}" 2>/dev/null || true ;; esac
done
systemctl daemon-reload
trap - EXIT
