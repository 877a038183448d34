# Stops Docker with all its containers. With live-restore, they would outlive dockerd and keep their files open.
containers_run() { grep -qs '^containerd-shim' /proc/[0-9]*/comm; }
stop_docker() {
  tries=0
  if containers_run && ! systemctl is-active --quiet docker.service; then systemctl start docker.service || true; fi
  while systemctl is-active --quiet docker.service && running=$(docker ps -q) && [ -n "$running" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 3 ]; then break; fi
    # shellcheck disable=SC2086
    docker stop $running >/dev/null
  done
  for unit in docker.socket docker.service containerd.service; do
    if systemctl cat "$unit" >/dev/null 2>&1; then systemctl stop "$unit"; fi
  done
  # The process beside a container ends shortly after it.
  tries=0
  while containers_run && [ "$tries" -lt 20 ]; do
    tries=$((tries + 1))
    sleep 0.5
  done
  is_stopped
}
is_stopped() {
  if containers_run || systemctl is-active --quiet docker.service; then
    echo >&2 "cai: a container was started in the meantime, and its files must not be moved while it runs"
    return 1
  fi
}
start_docker() {
  for unit in docker.socket docker.service; do
    if systemctl cat "$unit" >/dev/null 2>&1; then systemctl start "$unit" || true; fi
  done
}
# Two runs at the same time would move each other's unfinished copy. A run outlives the connection that started it.
exec 9>/run/cai-data-disk.lock
if ! flock -n 9; then
  echo >&2 "cai: an earlier run still moves Docker's data; run cai apply again when it has ended"
  exit 1
fi
