# Writes and deletes files that dockerd reads only when it starts, and records that the running dockerd has
# not read them. $2: "proxy" or "certificates". $3 and so on: the paths to delete. Reads lines
# "PATH MODE BASE64", as Base64.
set -eu
files=$(base64 -d)
of=$2
shift 2
umask 022
due=/var/lib/cai/restart-due/$of
incomplete=/var/lib/cai/certificates-incomplete
# A dockerd that does not run reads the files when it starts. One that is just starting may have read them.
note() {
  mkdir -p "${due%/*}"
  case $(systemctl show --property=ActiveState --value docker.service) in
  inactive | failed) rm -f "$due" ;;
  *)
    systemctl show --property=InvocationID --value docker.service >"$due.new"
    mv "$due.new" "$due"
    ;;
  esac
}
# Before the change, in case this script is interrupted, and after it, in case dockerd restarted in between.
note
if [ "$of" = certificates ]; then
  if ! command -v update-ca-certificates >/dev/null; then need ca-certificates; fi
  # It adds to what an interrupted run of it left.
  rm -f /etc/ssl/certs/ca-certificates.crt.new
  touch "$incomplete"
fi
write_files "$files" ''
for path in "$@"; do rm -f "$path" "$path.cai-new"; done
if [ "$of" = certificates ]; then
  # Without --fresh, it keeps the links to a deleted file and the hash of a changed one (measured with
  # Debian 12's 20230311).
  update-ca-certificates --fresh
  rm -f "$incomplete"
else
  rmdir /etc/cai /etc/systemd/system/docker.service.d 2>/dev/null || true
  systemctl daemon-reload
fi
note
