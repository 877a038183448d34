# The file that cai replaced, and the SHA-256 of the file that it wrote. Both are kept until dockerd
# accepts the new file.
file=/etc/docker/daemon.json
loaded=/var/lib/cai/daemon.json.loaded
previous=/var/lib/cai/daemon.json.previous
wrote=/var/lib/cai/daemon.json.wrote
sum_of() { sha256sum "$1" 2>/dev/null | cut -d ' ' -f 1; }
accepted() { rm -f "$previous" "$wrote"; }
# Restores the replaced file, unless someone has changed the new one since.
restore() {
  [ -e "$wrote" ] && [ "$(sum_of "$file")" = "$(cat "$wrote")" ] || return 1
  if [ -e "$previous" ]; then
    cp -p "$previous" "$file.restored"
    mv "$file.restored" "$file"
  else
    rm -f "$file"
  fi
  accepted
}
