# Docker's packages, installed according to its instructions for Debian and Ubuntu. Not tested
# against the real download.docker.com, which the test machines cannot reach. $4 says whether the
# file declares a repository, whose entry was written before.
installed=$(dpkg-query -W -f='${Version}' docker-ce 2>/dev/null || true)
if ! command -v dockerd >/dev/null 2>&1 || ! matches "$installed"; then
  if [ "${4-}" != declared ]; then
    add_repository https://download.docker.com/linux '' 9DC858229FC7DD38854AE2D88D81803C0EBFCD88 \
      /etc/apt/keyrings/docker.asc
  fi
  apt update
  daemon=$(choice docker-ce)
  client=$(choice docker-ce-cli)
  # Without apparmor, a Debian guest cannot start containers.
  apt install --no-install-recommends --allow-downgrades \
    "docker-ce$daemon" "docker-ce-cli$client" containerd.io \
    docker-buildx-plugin docker-compose-plugin apparmor ca-certificates
fi
