# Fails unless Sysbox's three services are active and dockerd knows its runtime. Sysbox's package
# hides both failures: it starts its services with `|| true`.
check_sysbox() {
  down=
  for unit in sysbox-mgr.service sysbox-fs.service sysbox.service; do
    if ! systemctl is-active --quiet "$unit"; then
      down="$down $unit"
      echo >&2 "cai: $unit is not active. Its last messages:"
      journalctl -u "$unit" -n 10 -q --no-pager -o cat >&2 || true
    fi
  done
  [ -z "$down" ] || return 1
  systemctl is-active --quiet docker.service || return 0
  tries=0
  until docker info --format '{{range $name, $_ := .Runtimes}}{{$name}} {{end}}' 2>/dev/null | grep -qw sysbox-runc; do
    # dockerd reloads in the background, so the runtime takes a moment to appear.
    [ "$tries" -ne 0 ] || systemctl reload docker.service
    tries=$((tries + 1))
    if [ "$tries" -gt 20 ]; then
      echo >&2 "cai: dockerd does not know the runtime sysbox-runc. Its last messages:"
      journalctl -u docker.service -t dockerd -n 40 -q --no-pager -o cat | grep -v level=info | tail -n 3 >&2 || true
      if restore; then
        systemctl reload docker.service || true
        echo >&2 "the previous $file is restored"
      fi
      return 1
    fi
    sleep 1
  done
}
