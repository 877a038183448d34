export DEBIAN_FRONTEND=noninteractive
# An install that was cut off is finished first, else nothing can be installed.
if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
  dpkg --configure -a
fi
version=${3-}
installed=$(dpkg-query -W -f='${Version}' docker.io 2>/dev/null || true)
if ! command -v dockerd >/dev/null 2>&1 || { [ -n "$version" ] && [ "$installed" != "$version" ]; }; then
  apt-get -q -o DPkg::Lock::Timeout=600 update
  # Without apparmor a Debian guest starts no container at all.
  apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends --allow-downgrades \
    "docker.io${version:+=$version}" apparmor ca-certificates
fi
