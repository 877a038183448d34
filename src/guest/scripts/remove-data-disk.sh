# Unmounts the disk with Docker's data and deletes the units $2, $3 and so on. The data stays on the disk. Docker
# stays stopped.
set -eu
shift
trap start_docker EXIT
stop_docker
for path in "$@"; do
  case $path in *.mount) systemctl stop "${path##*/}" ;; esac
done
for path in "$@"; do
  rm -f "$path"
  case $path in *.service.d/*) rmdir "${path%/*}" 2>/dev/null || true ;; esac
done
systemctl daemon-reload
trap - EXIT
