# Puts Sysbox's package into the guest. $2: its version. $3: the SHA-256 of the package. Reads the
# package's source as Base64: a path in the guest, or https:// URLs, one per line, tried in order.
set -eu
sources=$(base64 -d)
umask 022
export DEBIAN_FRONTEND=noninteractive
directory=/var/lib/cai/packages
package=$directory/sysbox-ce_$2.deb
mkdir -p "$directory"
sum() { sha256sum "$1" | cut -d ' ' -f 1; }
fetch() {
  if ! command -v curl >/dev/null; then
    apt-get -q update </dev/null
    apt-get -q -y install --no-install-recommends curl ca-certificates </dev/null
  fi
  # The address may hold a password, and every user of the guest can read arguments.
  printf '%s\n' "$1" | sed 's/[\\"]/\\&/g; s/.*/url = "&"/' |
    curl -fsSL --proto '=https' --proto-redir '=https' --retry 3 -o "$package.part" -K -
}
# A package from an earlier attempt is used if it is the right one.
if [ ! -e "$package" ] || [ "$(sum "$package")" != "$3" ]; then
  case $sources in
  https://*)
    fetched=
    while IFS= read -r source; do
      if [ -z "$fetched" ] && fetch "$source"; then fetched=1; fi
    done <<CAI_SOURCES
$sources
CAI_SOURCES
    if [ -z "$fetched" ]; then
      echo >&2 "cai: the package of Sysbox $2 could not be downloaded"
      exit 4
    fi
    ;;
  *) if [ "$sources" != "$package" ]; then cp "$sources" "$package.part"; else mv "$package" "$package.part"; fi ;;
  esac
  actual=$(sum "$package.part")
  if [ "$actual" != "$3" ]; then
    rm -f "$package.part"
    echo >&2 "the package's SHA-256 is $actual, but the file says $3"
    exit 3
  fi
  mv "$package.part" "$package"
fi
