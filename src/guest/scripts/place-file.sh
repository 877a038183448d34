# Puts a file that was sent in its place, as a whole. $2: where it was sent to. $3: its place. $4: the SHA-256
# that the plan shows. $5: its mode. $6 and $7: the user and the group that own it.
set -eu
umask 022
sent=$2
new=$3.cai-new
trap 'rm -f "$sent" "$new"' EXIT
if [ "$(sha256sum "$sent" | cut -d ' ' -f 1)" != "$4" ]; then
  echo "what arrived for $3 is not what the plan shows" >&2
  exit 3
fi
install -D -m "$5" -o "$6" -g "$7" -T "$sent" "$new"
sync "$new"
mv -fT "$new" "$3"
