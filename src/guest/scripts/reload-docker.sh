# Makes the running daemon load the reloadable keys of daemon.json. $2: "record" to keep a copy of
# the file as the loaded one; "keep" if a restart follows.
set -eu
said_since() {
  journalctl --after-cursor "$cursor" -u docker.service -t dockerd -q --no-pager -o cat 2>/dev/null
}
cursor=$(journalctl -n 0 --show-cursor 2>/dev/null | sed -n 's/^-- cursor: //p') || cursor=
systemctl reload docker.service
# dockerd reports the result in its log. At a log level above "info", it logs nothing if it accepts
# the file.
tries=0
while [ -n "$cursor" ] && [ "$tries" -lt 15 ]; do
  said=$(said_since) || said=
  case "$said" in
  *'Reloaded configuration'*) break ;;
  *'unable to configure the Docker daemon'* | *'validation failed'* | *'conflict labels'* | *'Error reconfiguring'*)
    echo "dockerd refuses the new $file:" >&2
    echo "$said" | grep -v level=info >&2 || true
    if restore; then
      systemctl reload docker.service
      echo "the previous file is restored; dockerd was not stopped" >&2
    fi
    exit 4
    ;;
  esac
  tries=$((tries + 1))
  sleep 0.2
done
if [ "$2" = record ]; then
  mkdir -p /var/lib/cai
  cp "$file" "$loaded"
  not_older "$loaded"
  accepted
fi
