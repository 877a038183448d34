# Docker's packages, installed according to its instructions for Debian and Ubuntu. Not tested
# against the real download.docker.com, which the test machines cannot reach.
installed=$(dpkg-query -W -f='${Version}' docker-ce 2>/dev/null || true)
if ! command -v dockerd >/dev/null 2>&1 || ! matches "$installed"; then
  distribution=$(. /etc/os-release && echo "$ID")
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  case "$distribution $release" in
  'debian '[a-z]* | 'ubuntu '[a-z]*) ;;
  *)
    echo >&2 "cai: Docker does not publish packages for $distribution $release; choose another docker.source"
    exit 1
    ;;
  esac
  site=https://download.docker.com/linux/$distribution
  list=/etc/apt/sources.list.d/docker.list
  key=/etc/apt/keyrings/docker.asc
  entry="deb [arch=$(dpkg --print-architecture) signed-by=$key] $site $release stable"
  # apt fails while two entries for a repository name different keys, so remove the entry of an
  # earlier run of cai first. Older versions did not mark it.
  case $(cat "$list" 2>/dev/null) in
  '# Written by cai.'* | "$entry") rm -f "$list" ;;
  esac
  # Prints the URLs that apt would fetch, from enabled entries of either format, without the
  # network.
  uris=$(apt-get update --print-uris)
  apt update
  # Without apparmor, a Debian guest cannot start containers.
  apt install --no-install-recommends ca-certificates curl gpg apparmor
  case $uris in
  *"://download.docker.com/linux/$distribution/dists/$release/"*) ;;
  *)
    scratch=$(mktemp -d)
    curl -fsSL --proto '=https' --retry 3 --max-time 120 -o "$scratch/key" "$site/gpg"
    # The fingerprint of each primary key. Exactly one key is accepted, because apt would trust all
    # of them.
    keys=$(gpg --homedir "$scratch" --show-keys --with-colons "$scratch/key" |
      awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }')
    if [ "$keys" != 9DC858229FC7DD38854AE2D88D81803C0EBFCD88 ]; then
      rm -rf "$scratch"
      echo >&2 "cai: $site/gpg is not Docker's signing key; found: ${keys:-no key}"
      exit 1
    fi
    install -D -m 644 "$scratch/key" "$key"
    rm -rf "$scratch"
    printf '# Written by cai.\n%s\n' "$entry" >"$list"
    apt update
    ;;
  esac
  daemon=$(choice docker-ce)
  client=$(choice docker-ce-cli)
  apt install --no-install-recommends --allow-downgrades \
    "docker-ce$daemon" "docker-ce-cli$client" containerd.io \
    docker-buildx-plugin docker-compose-plugin
fi
