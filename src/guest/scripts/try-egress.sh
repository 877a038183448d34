# Tests the rules of [egress] from a temporary container, and removes everything it created. $2: an
# allowed name, or nothing; $3: its port. Prints "allowed ok", "allowed blocked", or "allowed unknown" if
# the guest itself cannot reach the name; and "blocked ok" or "blocked open" for the metadata address.
set -eu
export PATH="$PATH:/usr/sbin:/sbin"
thing=cai-egress-$$
clean() {
  docker rm -f "$thing" >/dev/null 2>&1 || true
  docker rmi -f "$thing" >/dev/null 2>&1 || true
}
trap clean EXIT
trap 'exit 143' HUP INT TERM
# Its image is bash and its libraries. bash can connect, and glibc can look up names.
shell=$(command -v bash)
libraries=$(ldd "$shell" | grep -o '/[^ ]*' | sort -u)
# shellcheck disable=SC2086
tar -C / -chf - $(printf '%s\n' "$shell" $libraries | cut -c 2-) | docker import - "$thing" >/dev/null
inside() {
  timeout 60 docker run --rm --name "$thing" --entrypoint "$shell" "$thing" -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2"
}
# The number of refused packets.
refused() { nft list chain inet cai_egress refuse | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'; }
if [ -n "$2" ]; then
  if inside "$2" "$3" 2>/dev/null; then
    echo "allowed ok"
  elif timeout 20 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$2" "$3" 2>/dev/null; then
    echo "allowed blocked"
  else
    echo "allowed unknown"
  fi
fi
before=$(refused)
if inside 169.254.169.254 80 2>/dev/null || [ "$(refused)" = "$before" ]; then
  echo "blocked open"
else
  echo "blocked ok"
fi
