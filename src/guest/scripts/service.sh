systemctl unmask docker.service docker.socket 2>/dev/null || true
systemctl reset-failed docker.service docker.socket 2>/dev/null || true
systemctl enable --now docker.service
# What the daemon has loaded at its start is kept, so that it is still known when the file changes.
file=/etc/docker/daemon.json
loaded=/var/lib/cai/daemon.json.loaded
started=$(TZ=UTC systemctl show --property=ExecMainStartTimestamp --value docker.service)
# Within one second it cannot be told which was first, so an older record is better than this one.
if [ -n "$started" ] && [ -e "$file" ] &&
  [ "$(stat -c %Y "$file")" -lt "$(date -d "$started" +%s)" ]; then
  mkdir -p /var/lib/cai
  cp "$file" "$loaded.new"
  mv "$loaded.new" "$loaded"
fi
