# Docker's own packages, by its instructions for Debian and Ubuntu. This has not been run against
# the real download.docker.com: the machines of the tests do not reach it.
installed=$(dpkg-query -W -f='${Version}' docker-ce 2>/dev/null || true)
if ! command -v dockerd >/dev/null 2>&1 || ! will_do "$installed"; then
  distribution=$(. /etc/os-release && echo "$ID")
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  case "$distribution $release" in
  'debian '[a-z]* | 'ubuntu '[a-z]*) ;;
  *)
    echo >&2 "cai: Docker has no packages for $distribution $release: choose another docker.source"
    exit 1
    ;;
  esac
  site=https://download.docker.com/linux/$distribution
  list=/etc/apt/sources.list.d/docker.list
  key=/etc/apt/keyrings/docker.asc
  entry="deb [arch=$(dpkg --print-architecture) signed-by=$key] $site $release stable"
  # apt refuses every call while two entries for one repository name different keys, so an entry that
  # an earlier run of cai left is removed before apt is asked. Older versions wrote no mark.
  case $(cat "$list" 2>/dev/null) in
  '# Written by cai.'* | "$entry") rm -f "$list" ;;
  esac
  # Prints what apt would fetch, from entries of either format that are enabled, without the network.
  uris=$(apt-get update --print-uris)
  apt update
  # Without apparmor a Debian guest starts no container at all.
  apt install --no-install-recommends ca-certificates curl gpg apparmor
  case $uris in
  *"://download.docker.com/linux/$distribution/dists/$release/"*) ;;
  *)
    scratch=$(mktemp -d)
    curl -fsSL --proto '=https' --retry 3 --max-time 120 -o "$scratch/key" "$site/gpg"
    # The fingerprint after each primary key: one key and no other, for apt would trust each of them.
    keys=$(gpg --homedir "$scratch" --show-keys --with-colons "$scratch/key" |
      awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }')
    if [ "$keys" != 9DC858229FC7DD38854AE2D88D81803C0EBFCD88 ]; then
      rm -rf "$scratch"
      echo >&2 "cai: $site/gpg is not Docker's signing key, but: ${keys:-no key at all}"
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
