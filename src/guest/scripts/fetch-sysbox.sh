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
download() {
  if ! command -v curl >/dev/null; then
    apt-get -q update </dev/null
    apt-get -q -y install --no-install-recommends curl ca-certificates </dev/null
  fi
  # The URL may contain a password, and every user of the guest can read arguments.
  printf '%s\n' "$1" | sed 's/[\\"]/\\&/g; s/.*/url = "&"/' |
    curl -fsSL --proto '=https' --proto-redir '=https' --retry 3 -o "$package.part" -K -
}
# Keeps the package from $1 if its checksum is right.
sha256=$3
keep() {
  actual=$(sum "$package.part")
  if [ "$actual" = "$sha256" ]; then
    mv "$package.part" "$package"
  else
    rm -f "$package.part"
    echo >&2 "cai: the SHA-256 of the package from $1 is $actual, but should be $sha256"
    return 1
  fi
}
# A package from an earlier attempt is used if its checksum is right.
if [ -e "$package" ] && [ "$(sum "$package")" = "$sha256" ]; then
  exit 0
fi
case $sources in
https://*)
  while IFS= read -r source; do
    # Show only the host: the rest of the URL may contain a password.
    host=${source#https://} host=${host%%[/?#]*} host=${host##*@}
    if ! download "$source"; then
      echo >&2 "cai: the package could not be downloaded from $host"
    elif keep "$host"; then
      exit 0
    fi
  done <<CAI_SOURCES
$sources
CAI_SOURCES
  echo >&2 "cai: the Sysbox $2 package is not available from any source"
  exit 4
  ;;
"$package") mv "$package" "$package.part" ;;
*) cp "$sources" "$package.part" ;;
esac
keep "$sources" || exit 3
