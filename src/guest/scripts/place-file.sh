# Moves a sent file to its place atomically. $2: the path where it was sent. $3: its place. $4: the
# SHA-256 in the plan. $5: its mode. $6 and $7: the user and group that own it.
set -eu
umask 022
sent=$2
new=$3.cai-new
trap 'rm -f "$sent" "$new"' EXIT
if [ "$(sha256sum "$sent" | cut -d ' ' -f 1)" != "$4" ]; then
  echo "the file sent for $3 differs from the planned one (checksum mismatch)" >&2
  exit 3
fi
install -D -m "$5" -o "$6" -g "$7" -T "$sent" "$new"
sync "$new"
mv -fT "$new" "$3"
