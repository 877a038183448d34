# Installs Sysbox from the package that fetch-sysbox.sh put into the guest, or completes an interrupted
# installation. $2: its version. $3: the version to remove first, as dpkg reports it, or nothing;
# Sysbox does not support upgrades in place.
set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive
package=/var/lib/cai/packages/sysbox-ce_$2.deb
view=$(mktemp -d)
trap 'rm -rf "$view"' EXIT
trap 'exit 143' HUP INT TERM
status() { dpkg-query -W -f='${db:Status-Status}' sysbox-ce 2>/dev/null || true; }

# The package's scripts look for two network keys in daemon.json by text. Without them they refuse to be
# configured, or, with 10 or 20 containers, miscount them and restart docker. On removal they delete
# the runtime. So they run with a copy of /etc/docker in its place, in which both keys are found.
look() {
  if [ -d /etc/docker ]; then cp -a /etc/docker/. "$view"; else mkdir /etc/docker; fi
  if [ -e /etc/docker/daemon.json ] && command -v jq >/dev/null; then
    jq --indent 4 'if (.bip // "") == "" then .bip = "172.20.0.1/16" else . end
      | if (."default-address-pools" // []) == [] then ."default-address-pools" = [{base: "172.25.0.0/16", size: 24}] else . end' \
      /etc/docker/daemon.json >"$view/daemon.json"
  fi
}
apart() { unshare --mount sh -c 'mount --bind "$0" /etc/docker && exec "$@"' "$view" "$@"; }
apt() { apart apt-get -q -y -o DPkg::Lock::Timeout=600 "$@"; }
# The package lists are only fetched if the first try fails, so that a guest without a network can be
# repaired.
install() {
  apt install --no-install-recommends "$@" || { apt update && apt install --no-install-recommends "$@"; }
}
look

# The undeclared dependencies of the package's scripts and services. Asking for fuse3 keeps apt from
# replacing it with fuse 2.
needs=
for need in fusermount3:fuse3 sysctl:procps ip:iproute2 pidof:sysvinit-utils useradd:passwd jq:jq; do
  command -v "${need%%:*}" >/dev/null || needs="$needs ${need#*:}"
done
if [ -n "$needs" ]; then
  # While a package is half-configured, apt reports a failure although it installed these.
  # shellcheck disable=SC2086
  install $needs || [ "$(status)" = half-configured ]
  look
fi

# Since 25.04, Ubuntu's AppArmor profile of fusermount3 keeps sysbox-fs from mounting (sysbox#947).
profile=/etc/apparmor.d/fusermount3
if [ -e "$profile" ] && (. /etc/os-release && [ "$ID" = ubuntu ] && [ "${VERSION_ID%%.*}" -ge 25 ]); then
  exception=/etc/apparmor.d/local/fusermount3
  mkdir -p "${exception%/*}"
  for rule in \
    'mount fstype=@{fuse_types} options=(nosuid,nodev,rw) -> /var/lib/sysboxfs/**/,' \
    'mount fstype=@{fuse_types} options=(nosuid,nodev,ro) -> /var/lib/sysboxfs/**/,' \
    'umount /var/lib/sysboxfs/**/,'; do
    grep -qxF "$rule" "$exception" 2>/dev/null || printf '%s\n' "$rule" >>"$exception"
  done
  apparmor_parser -r "$profile"
fi

case $(status) in
unpacked | half-configured | triggers-*) apart dpkg --configure -a || true ;;
esac
if [ -n "$3" ] && [ "$(dpkg-query -W -f='${Version}' sysbox-ce 2>/dev/null || true)" = "$3" ]; then
  apt purge sysbox-ce
fi
if [ "$(status)" != installed ]; then install --reinstall "$package"; fi
if [ "$(status)" != installed ]; then
  echo >&2 "cai: dpkg says that sysbox-ce is $(status), not installed"
  exit 1
fi
systemctl reset-failed sysbox.service sysbox-mgr.service sysbox-fs.service 2>/dev/null || true
systemctl enable --now sysbox.service || true
check_sysbox
