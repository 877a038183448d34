export DEBIAN_FRONTEND=noninteractive
# An interrupted installation is finished first, because apt refuses to install anything before that. A
# package that cannot be finished must not keep an installed Docker from starting.
if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
  dpkg --configure -a || true
fi
apt() {
  apt-get -q -y -o DPkg::Lock::Timeout=600 "$@"
}
version=${3-}
# Whether a package of this version will do: it is the one of the file, or begins with its numbers.
# The file may leave the epoch out. Behind a revision only a distribution's own suffix may come.
will_do() {
  for numbers in "$1" "${1#*:}"; do
    case $numbers in
    "$version" | "$version"[~+]*) return 0 ;;
    "$version"[!0-9A-Za-z]*) case $version in *-*) ;; *) return 0 ;; esac ;;
    esac
  done
  [ -z "$version" ]
}
# What apt takes behind a package's name for the newest version that will do.
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
    if will_do "$candidate"; then
      echo "=$candidate"
      return 0
    fi
  done
  echo >&2 "cai: there is no version $version of $1, but:" ${known:-none at all}
  return 1
}
