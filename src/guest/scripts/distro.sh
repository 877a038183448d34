installed=$(dpkg-query -W -f='${Version}' docker.io 2>/dev/null || true)
if ! command -v dockerd >/dev/null 2>&1 || ! matches "$installed"; then
  apt update
  daemon=$(choice docker.io)
  # Without apparmor, a Debian guest cannot start containers.
  apt install --no-install-recommends --allow-downgrades \
    "docker.io$daemon" apparmor ca-certificates
fi
