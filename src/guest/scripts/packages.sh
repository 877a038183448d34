# Finish an interrupted installation first, because apt refuses any other installation before that.
# A package that cannot be finished must not prevent the start of an installed Docker.
if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
  dpkg --configure -a || true
fi
version=${3-}
# Whether a package version matches the declared one: it is equal or starts with its numbers. The
# file may omit the epoch. After a revision, only a suffix of a distribution is accepted.
matches() {
  for numbers in "$1" "${1#*:}"; do
    case $numbers in
    "$version" | "$version"[~+]*) return 0 ;;
    "$version"[!0-9A-Za-z]*) case $version in *-*) ;; *) return 0 ;; esac ;;
    esac
  done
  [ -z "$version" ]
}
# The apt suffix that selects the newest matching version of a package.
choice() {
  if [ -z "$version" ]; then
    return 0
  fi
  known=$(apt-cache madison "$1" | cut -d '|' -f 2)
  for candidate in $known; do
    if [ "$candidate" = "$version" ] || [ "${candidate#*:}" = "$version" ]; then
      echo "=$candidate"
      return 0
    fi
  done
  for candidate in $known; do
    if matches "$candidate"; then
      echo "=$candidate"
      return 0
    fi
  done
  echo >&2 "cai: version $version of $1 is not available. Available versions:" ${known:-none}
  return 1
}
