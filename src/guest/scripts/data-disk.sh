# Moves Docker's data to a Lima disk and leaves Docker stopped. $2: the disk's name. $3: where it is mounted. $4:
# the marker on the disk, which exists once the data there is complete. $5 and so on: "NAME=PATH", a directory on
# the disk and in the guest. Reads the units that mount them: lines "PATH MODE BASE64", as Base64.
#
# Nothing is deleted before the marker is on the disk, and with the units, Docker does not start without the marker.
# So an interrupted run is continued by the next one.
set -eu
files=$(base64 -d)
umask 022
disk=$2 data=$3 marker=$4 from=$4-from
shift 4
device=/dev/disk/by-label/lima-$disk
fail() {
  echo >&2 "cai: $*"
  exit 1
}
[ -b "$device" ] || fail "the guest does not have a filesystem with the label lima-$disk; Lima creates it when the VM starts"
is_on_disk() { [ "$(findmnt -fnro SOURCE --mountpoint "$1" | sed 's/\[.*//')" = "$(readlink -f "$device")" ]; }
mkdir -p "$data"
mountpoint -q "$data" || mount "$device" "$data"
is_on_disk "$data" || fail "$data is not the disk $disk; unmount it, then run cai apply again"
for pair in "$@"; do
  place=${pair#*=}
  if [ -L "$place" ]; then fail "$place is a symbolic link; replace it with the directory that it names"; fi
  if mountpoint -q "$place" && ! is_on_disk "$place"; then
    fail "another filesystem is mounted at $place; move its data to the VM's own disk first"
  fi
done

first=$data/${1%%=*}
back() {
  # Docker's own data is complete until the first directory is renamed.
  if [ ! -e "$first" ]; then
    printf '%s\n' "$files" | while read -r path _; do rm -f "$path"; done
    rm -rf "$data"/*.partial
    systemctl daemon-reload
  fi
  start_docker
}
trap back EXIT
stop_docker
write_files "$files" ''
systemctl daemon-reload
is_stopped
if [ ! -e "$marker" ]; then
  rm -rf --one-file-system "$data"/*.partial
  # Another VM may have been interrupted. The disk has its data, and this VM's own stays where it is.
  if [ ! -e "$first" ]; then cat /etc/machine-id >"$from"; fi
  # A directory on the disk is complete, because it is renamed after its copy is.
  is_due() { [ ! -e "$data/${1%%=*}" ]; }
  needed=0
  for pair in "$@"; do
    if grep -q " ${pair#*=}/" /proc/self/mountinfo; then fail "something is still mounted in ${pair#*=}"; fi
    if is_due "$pair" && [ -d "${pair#*=}" ]; then
      needed=$((needed + $(du -skx "${pair#*=}" | cut -f 1)))
    fi
  done
  free=$(df -Pk "$data" | awk 'NR == 2 { print $4 }')
  if [ "$needed" -gt "$free" ]; then
    fail "Docker's data has $((needed / 1024)) MiB, and the disk $disk has $((free / 1024)) MiB left; increase vm.data_disk"
  fi
  for pair in "$@"; do
    own=$data/${pair%%=*} place=${pair#*=}
    if ! is_due "$pair"; then continue; fi
    if [ -d "$place" ] && cmp -s /etc/machine-id "$from"; then cp -ax "$place" "$own.partial"; else mkdir -m 711 "$own.partial"; fi
  done
  sync -f "$data"
  for pair in "$@"; do
    if is_due "$pair"; then mv "$data/${pair%%=*}.partial" "$data/${pair%%=*}"; fi
  done
  sync -f "$data"
  for pair in "$@"; do
    place=${pair#*=}
    if [ -d "$place" ] && [ ! -e "$place.cai-moved" ] && cmp -s /etc/machine-id "$from"; then
      mv "$place" "$place.cai-moved"
    fi
    mkdir -p "$place"
  done
  sync -f /var/lib
  touch "$marker"
  rm -f "$from"
  sync -f "$data"
fi
for pair in "$@"; do
  mkdir -p "${pair#*=}"
  rm -rf --one-file-system "${pair#*=}.cai-moved"
done
printf '%s\n' "$files" | while read -r path _; do
  case $path in *.mount) systemctl start "${path##*/}" ;; esac
done
trap - EXIT
