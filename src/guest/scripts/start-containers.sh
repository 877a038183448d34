# Starts the recorded containers in the recorded order. A Sysbox container that never stopped is
# restarted. A container that was removed is skipped.
set -eu
umask 022
file=/var/lib/cai/stopped-containers
[ -e "$file" ] || exit 0
tries=0
until docker version >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 30 ]; then
    echo >&2 "cai: dockerd does not answer, so these containers were not started again: $(cut -d '|' -f 2 "$file" | tr '\n' ' ')"
    exit 1
  fi
  sleep 1
done
: >"$file.new"
while IFS='|' read -r id name runtime started rest; do
  if ! state=$(docker inspect --type container --format '{{.State.Running}} {{.State.StartedAt}}' "$id" 2>&1); then
    # A container is skipped only if dockerd does not know it.
    case $state in *[Nn]'o such '*) continue ;; esac
  fi
  case $state in
  # A runc container that is still running never stopped.
  "true $started") [ "$runtime" = sysbox-runc ] || continue; verb=restart ;;
  true*) continue ;;
  *) verb=start ;;
  esac
  if ! output=$(docker "$verb" "$id" 2>&1 </dev/null); then
    printf '%s|%s|%s|%s|%s\n' "$id" "$name" "$runtime" "$started" "$rest" >>"$file.new"
    echo >&2 "cai: the container $name does not start: $output"
    echo >&2 "cai: start it in the guest with: sudo docker start $name"
  fi
done <"$file"
mv "$file.new" "$file"
[ ! -s "$file" ] || exit 1
rm "$file"
