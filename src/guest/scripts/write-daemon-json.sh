# Writes /etc/docker/daemon.json. $2: the SHA-256 of the file that was looked at, or "absent".
# $3: "current" when the running daemon has loaded that file, else "keep". Reads the new text, as Base64.
set -eu
umask 022
file=/etc/docker/daemon.json
loaded=/var/lib/cai/daemon.json.loaded
if [ -e "$file" ]; then actual=$(sha256sum "$file" | cut -d ' ' -f 1); else actual=absent; fi
if [ "$actual" != "$2" ]; then
  echo "$file was changed by somebody else in the meantime" >&2
  exit 3
fi
mkdir -p /etc/docker /var/lib/cai
# What the daemon goes on with is remembered before the file says something else.
if [ "$3" = current ]; then
  if [ -e "$file" ]; then cp "$file" "$loaded.new"; else echo '{}' >"$loaded.new"; fi
  mv "$loaded.new" "$loaded"
fi
new=$(mktemp "$file.XXXXXX")
trap 'rm -f "$new"' EXIT
base64 -d >"$new"
chmod 644 "$new"
if command -v dockerd >/dev/null && dockerd --help 2>&1 | grep -q -- --validate; then
  dockerd --validate --config-file "$new"
fi
not_older "$new" "$loaded"
sync "$new"
mv "$new" "$file"
