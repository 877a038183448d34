# Records the containers that are about to stop, so that they are started again, even after a crash.
# Reads Base64 of one line per container, in the probe's format and in the order of their start.
set -eu
umask 022
file=/var/lib/cai/stopped-containers
mkdir -p "${file%/*}"
base64 -d >"$file.new"
sync "$file.new"
mv "$file.new" "$file"
