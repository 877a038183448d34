# Adds an apt repository with Docker's packages, unless someone else's entry for it is in force.
# $1: its URL, without the name of the distribution. $2: the URL of its key; if empty, the file `gpg`
# in the repository. With "-", standard input is the key, as Base64. $3: the fingerprint of the key.
# $4: the path for the key.
add_repository() {
  # Every user reads the entry, and apt the key.
  umask 022
  given=
  [ "$2" != - ] || given=$(base64 -d)
  distribution=$(. /etc/os-release && echo "$ID")
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  case "$distribution $release" in
  'debian '[a-z]* | 'ubuntu '[a-z]*) ;;
  *)
    echo >&2 "cai: Docker does not publish packages for $distribution $release; choose another docker.source"
    exit 1
    ;;
  esac
  site=$1/$distribution
  list=/etc/apt/sources.list.d/docker.list
  entry="deb [arch=$(dpkg --print-architecture) signed-by=$4] $site $release stable"
  # No other entry names this key.
  own=/etc/apt/keyrings/cai-docker.asc
  # apt fails while two entries for a repository name different keys, so remove the entry of an
  # earlier run of cai first. Older versions did not mark it.
  case $(cat "$list" 2>/dev/null) in
  '# Written by cai.'* | "$entry") rm -f "$list" "$own" ;;
  esac
  # Prints the URLs that apt would fetch, from enabled entries of either format, without the
  # network.
  uris=$(apt-get update --print-uris)
  case $uris in *"://${site#https://}/dists/$release/"*) return 0 ;; esac
  needs=
  for need in curl:curl gpg:gpg update-ca-certificates:ca-certificates; do
    command -v "${need%%:*}" >/dev/null 2>&1 || needs="$needs ${need#*:}"
  done
  if [ -n "$needs" ]; then
    apt update
    # shellcheck disable=SC2086
    apt install --no-install-recommends $needs
  fi
  scratch=$(mktemp -d)
  from=${2:-$site/gpg}
  case $from in
  -) from='the local key' && printf '%s\n' "$given" >"$scratch/key" ;;
  *) curl -fsSL --proto '=https' --retry 3 --max-time 120 -o "$scratch/key" "$from" ;;
  esac
  # The fingerprint of each primary key. Exactly one key is accepted, because apt would trust all
  # of them.
  keys=$(gpg --homedir "$scratch" --show-keys --with-colons "$scratch/key" |
    awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }')
  if [ "$keys" != "$3" ]; then
    rm -rf "$scratch"
    echo >&2 "cai: $from is not the signing key $3; found: ${keys:-no key}"
    exit 1
  fi
  install -D -m 644 "$scratch/key" "$4"
  rm -rf "$scratch"
  printf '# Written by cai.\n# Key: %s\n%s\n' "$3" "$entry" >"$list"
  # An entry that apt cannot verify must not stay, or the next plan would take it for a good one.
  # Only this repository is fetched, so that the failure of another one does not matter.
  if ! apt -o Dir::Etc::SourceList="$list" -o Dir::Etc::SourceParts=/dev/null \
    -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any update; then
    rm -f "$list" "$own"
    echo >&2 "cai: apt cannot use the repository $site"
    exit 1
  fi
}
