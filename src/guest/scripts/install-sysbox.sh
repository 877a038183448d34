# Installs Sysbox from the package that fetch-sysbox.sh put into the guest, or completes an
# interrupted installation. $2: its version. $3: the version to remove first, as dpkg reports it, or
# empty. Sysbox does not support upgrades in place.
package=/var/lib/cai/packages/sysbox-ce_$2.deb
# The package lists are fetched only if the first attempt fails, so that a guest without a network
# can be repaired.
install() {
  apt install --no-install-recommends "$@" || { apt update && apt install --no-install-recommends "$@"; }
}
look

# The undeclared dependencies of the package's scripts and services. Requesting fuse3 keeps apt from
# replacing it with fuse 2.
needs=
for need in fusermount3:fuse3 sysctl:procps ip:iproute2 pidof:sysvinit-utils useradd:passwd jq:jq; do
  command -v "${need%%:*}" >/dev/null || needs="$needs ${need#*:}"
done
if [ -n "$needs" ]; then
  # While a package is half-configured, apt reports a failure even though it installed these.
  # shellcheck disable=SC2086
  install $needs || [ "$(status)" = half-configured ]
  look
fi

if needs_exception; then
  mkdir -p "${exception%/*}"
  rules | while IFS= read -r rule; do
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
  echo >&2 "cai: dpkg reports that sysbox-ce is $(status), not installed"
  exit 1
fi
systemctl reset-failed sysbox.service sysbox-mgr.service sysbox-fs.service 2>/dev/null || true
systemctl enable --now sysbox.service || true
check_sysbox
