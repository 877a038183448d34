# Writes /etc/docker/daemon.json. $2: the SHA-256 of the observed file, or "absent". $3: "current"
# if the running daemon has loaded that file, else "keep". Reads the new text as Base64.
set -eu
umask 022
if [ -e "$file" ]; then actual=$(sum_of "$file"); else actual=absent; fi
if [ "$actual" != "$2" ]; then
  echo "$file was changed by someone else in the meantime" >&2
  exit 3
fi
mkdir -p /etc/docker /var/lib/cai
new=$(mktemp "$file.XXXXXX")
trap 'rm -f "$new"' EXIT
base64 -d >"$new"
chmod 644 "$new"
if command -v dockerd >/dev/null && dockerd --help 2>&1 | grep -q -- --validate; then
  dockerd --validate --config-file "$new"
fi
# The loaded configuration is recorded before the file changes.
if [ "$3" = current ]; then
  if [ -e "$file" ]; then cp "$file" "$loaded.new"; else echo '{}' >"$loaded.new"; fi
  mv "$loaded.new" "$loaded"
fi
# A file that cai wrote and no daemon has accepted yet is not a restore target. A daemon that runs with the
# file has accepted it.
if [ ! -e "$wrote" ] || [ "$actual" != "$(cat "$wrote")" ] ||
  { [ "$3" = current ] && systemctl is-active --quiet docker.service; }; then
  rm -f "$previous"
  if [ -e "$file" ]; then cp -p "$file" "$previous"; fi
fi
not_older "$new" "$loaded"
sync "$new"
sum_of "$new" >"$wrote"
mv "$new" "$file"
