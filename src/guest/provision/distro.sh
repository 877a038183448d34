# An install that was cut off is finished first, else nothing can be installed.
if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
  dpkg --configure -a
fi
if ! command -v dockerd >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o DPkg::Lock::Timeout=600 update
  # Without apparmor a Debian guest starts no container at all.
  apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends \
    docker.io apparmor ca-certificates
fi
