export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"
# Installs packages: need PACKAGE...
need() {
  apt-get -q -o DPkg::Lock::Timeout=600 update
  apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "$@"
}
# Writes the files of lines "PATH MODE BASE64" below a directory, each atomically. $1: the lines. $2: the
# directory, empty for the root.
write_files() {
  printf '%s\n' "$1" | while read -r path mode text; do
    if [ -z "$path" ]; then continue; fi
    new=$2$path.cai-new
    mkdir -p "${new%/*}"
    rm -f "$new"
    # It may contain a password.
    (umask 077 && printf '%s' "$text" | base64 -d >"$new")
    chmod "$mode" "$new"
    sync "$new"
    mv -fT "$new" "$2$path"
  done
}
