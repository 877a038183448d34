# Moves Docker's data to a Lima disk. $2: the disk's name. $3 and so on: "NAME=PATH", a directory on the disk
# and in the guest. Reads the units that mount them: lines "PATH MODE BASE64", as Base64. Docker is stopped
# afterward, and the next step starts it. If this script fails, Docker runs with its data where it was.
set -eu
files=$(base64 -d)
umask 022
disk=$2
shift 2
data=/var/lib/cai/data
device=/dev/disk/by-label/lima-$disk
if [ ! -b "$device" ]; then
  echo >&2 "cai: the guest has no filesystem with the label lima-$disk, which Lima creates when the VM starts"
  exit 1
fi
mkdir -p "$data"
mountpoint -q "$data" || mount "$device" "$data"
# Data that an earlier run moved and did not delete.
for pair in "$@"; do
  if mountpoint -q "${pair#*=}"; then rm -rf "${pair#*=}.cai-moved"; fi
done

# What the disk has is not replaced.
is_due() { [ ! -e "$data/${1%%=*}" ] && ! mountpoint -q "${1#*=}"; }
needed=0
for pair in "$@"; do
  rm -rf "$data/${pair%%=*}.partial"
  if is_due "$pair" && [ -d "${pair#*=}" ]; then
    needed=$((needed + $(du -sk "${pair#*=}" | cut -f 1)))
  fi
done
free=$(df -Pk "$data" | awk 'NR == 2 { print $4 }')
if [ "$needed" -gt "$free" ]; then
  echo >&2 "cai: Docker's data has $((needed / 1024)) MiB, and the disk $disk has $((free / 1024)) MiB left; increase vm.data_disk"
  exit 1
fi

first=$data/${1%%=*}
back() {
  # Without its data, the disk must not be mounted.
  if [ ! -e "$first" ]; then printf '%s\n' "$files" | while read -r path _; do rm -f "$path"; done; fi
  systemctl daemon-reload
  systemctl start docker.socket docker.service || true
}
trap back EXIT
# With live-restore, containers would keep running and change files that are being copied.
if systemctl is-active --quiet docker.service; then docker ps -q | xargs -r docker stop >/dev/null; fi
systemctl stop docker.socket docker.service
systemctl stop containerd.service 2>/dev/null || true
for pair in "$@"; do
  own=$data/${pair%%=*} place=${pair#*=}
  if ! is_due "$pair"; then continue; fi
  if [ -d "$place" ]; then cp -a "$place" "$own.partial"; else mkdir -m 711 "$own.partial"; fi
done
sync -f "$data"
# With the units, Docker cannot start without the disk. So it never changes data that was already copied.
write_files "$files" ''
systemctl daemon-reload
trap - EXIT
for pair in "$@"; do
  own=$data/${pair%%=*} place=${pair#*=}
  if is_due "$pair"; then
    mv "$own.partial" "$own"
    if [ -d "$place" ]; then mv "$place" "$place.cai-moved"; fi
  fi
  mkdir -p "$place"
done
sync -f "$data"
for pair in "$@"; do rm -rf "${pair#*=}.cai-moved"; done
