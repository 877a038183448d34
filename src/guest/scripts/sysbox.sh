# Installs Sysbox. $2: its version. $3: the SHA-256 of its package. Reads an https:// address, or the
# path of the package in the guest, as Base64. What was installed before is removed first: an upgrade
# in place is not supported by Sysbox.
set -eu
source=$(base64 -d)
umask 022
export DEBIAN_FRONTEND=noninteractive
directory=/var/lib/cai/packages
package=$directory/sysbox-ce_$2.deb
mkdir -p "$directory"
case $source in
https://*)
  command -v curl >/dev/null || { apt-get -q update && apt-get -q -y install --no-install-recommends curl ca-certificates; }
  # No argument, which everybody in the guest could see: it may hold a password.
  printf '%s\n' "$source" | sed 's/[\\"]/\\&/g; s/.*/url = "&"/' |
    curl -fsSL --proto '=https' --proto-redir '=https' --retry 3 -o "$package.part" -K -
  mv "$package.part" "$package"
  ;;
*) [ "$source" = "$package" ] || cp "$source" "$package" ;;
esac
actual=$(sha256sum "$package" | cut -d ' ' -f 1)
if [ "$actual" != "$3" ]; then
  rm -f "$package"
  echo "the package's SHA-256 is $actual, and the file says $3" >&2
  exit 3
fi
if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
  dpkg --configure -a
fi
installed=$(dpkg-query -W -f='${db:Status-Status} ${Version}' sysbox-ce 2>/dev/null || true)
case $installed in
"installed $2" | "installed $2"-*) ;;
installed*) apt-get -q -y -o DPkg::Lock::Timeout=600 purge sysbox-ce ;;
esac
# Without the network where nothing is missing: lists are only fetched if the first try fails.
install() { apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "$package"; }
install || { apt-get -q -o DPkg::Lock::Timeout=600 update && install; }
systemctl enable --now sysbox.service
