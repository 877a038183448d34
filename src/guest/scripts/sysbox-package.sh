# The start of each script that installs or removes Sysbox's package.
set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive
view=$(mktemp -d)
trap 'rm -rf "$view"' EXIT
trap 'exit 143' HUP INT TERM
status() { dpkg-query -W -f='${db:Status-Status}' sysbox-ce 2>/dev/null || true; }

# The package's scripts search daemon.json for two network keys as text. If these are missing, the
# scripts refuse to be configured, or, with 10 or 20 containers, miscount them and restart docker.
# On removal they delete the runtime. So they run with a copy of /etc/docker mounted over it, which
# has both keys.
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

# Since 25.04, Ubuntu's AppArmor profile of fusermount3 keeps sysbox-fs from mounting (sysbox#947).
profile=/etc/apparmor.d/fusermount3
exception=/etc/apparmor.d/local/fusermount3
needs_exception() {
  [ -e "$profile" ] && (. /etc/os-release && [ "$ID" = ubuntu ] && [ "${VERSION_ID%%.*}" -ge 25 ])
}
rules() {
  printf '%s\n' \
    'mount fstype=@{fuse_types} options=(nosuid,nodev,rw) -> /var/lib/sysboxfs/**/,' \
    'mount fstype=@{fuse_types} options=(nosuid,nodev,ro) -> /var/lib/sysboxfs/**/,' \
    'umount /var/lib/sysboxfs/**/,'
}
