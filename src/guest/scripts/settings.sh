# Writes and deletes files that dockerd reads only when it starts, and records that the running dockerd has
# not read them. $2: "proxy" or "certificates". $3 and so on: the paths to delete. Reads lines
# "PATH MODE BASE64", as Base64.
set -eu
files=$(base64 -d)
of=$2
shift 2
umask 022
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"
due=/var/lib/cai/restart-due/$of
# Before the files change, because this may be interrupted, and after it, because dockerd may restart meanwhile.
note() {
  if systemctl is-active --quiet docker.service; then
    mkdir -p "${due%/*}"
    systemctl show --property=InvocationID --value docker.service >"$due.new"
    mv "$due.new" "$due"
  else
    rm -f "$due"
  fi
}
note
printf '%s\n' "$files" | while read -r path mode text; do
  if [ -z "$path" ]; then continue; fi
  mkdir -p "${path%/*}"
  rm -f "$path.cai-new"
  (umask 077 && printf '%s' "$text" | base64 -d >"$path.cai-new")
  chmod "$mode" "$path.cai-new"
  sync "$path.cai-new"
  mv -fT "$path.cai-new" "$path"
done
rm -f "$@"
if [ "$of" = certificates ]; then
  if ! command -v update-ca-certificates >/dev/null; then
    apt-get -q -o DPkg::Lock::Timeout=600 update
    apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends ca-certificates
  fi
  # Without --fresh, it keeps the links to a deleted file and the hash of a changed one (measured with
  # Debian 12's 20230311).
  update-ca-certificates --fresh
else
  rmdir /etc/cai /etc/systemd/system/docker.service.d 2>/dev/null || true
  systemctl daemon-reload
fi
note
