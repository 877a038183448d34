# Looks at the guest and changes nothing. It comes after section.sh.
socket=/var/run/docker.sock
daemon_json=/etc/docker/daemon.json
loaded=/var/lib/cai/daemon.json.loaded
seccomp=/etc/docker/cai-seccomp.json
stopped=/var/lib/cai/stopped-containers
# The login PATH of a Debian user lacks sbin, where dockerd is. Not every systemd prints a time as a
# number, and each prints it in UTC where that is the time zone.
export LC_ALL=C TZ=UTC PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

active() { [ "${state:=$(systemctl is-active docker.service 2>/dev/null)}" = active ]; }
# Logs are evidence where something went wrong, and are not read elsewhere.
daemon_log() { { active && [ -S "$socket" ]; } || timeout 10 sudo -n journalctl -u docker.service -n 20 -q --no-pager -o cat; }
stopped_containers() { [ ! -e "$stopped" ] || cat "$stopped"; }
provision_log() { [ ! -e /run/cai-provision-failed ] || timeout 10 sudo -n tail -n 60 /var/log/cloud-init-output.log; }

# A process takes longer to start than what it does here, so one tells of several files.
system() {
  section user id -un
  section session id -G
  section passwd getent passwd
  section groups getent group
  section arch dpkg --print-architecture
  section cpus getconf _NPROCESSORS_CONF
  section memory grep MemTotal /proc/meminfo
  section dockerd command -v dockerd
  section packages dpkg-query -W -f='${db:Status-Status} ${Package} ${Version}\n' docker.io docker-ce sysbox-ce
  section units systemctl show --property=Id,LoadState,ActiveState,UnitFileState,ExecMainStartTimestamp \
    docker.service docker.socket sysbox.service sysbox-mgr.service sysbox-fs.service
  section socket stat -L -c '%F|%a|%U|%u|%G|%g' "$socket"
  section provision_failed cat /run/cai-provision-failed
  section daemon_log daemon_log
  section provision_log provision_log
  section daemon_json cat "$daemon_json"
  section daemon_loaded cat "$loaded"
  section stopped stopped_containers
  section sums sha256sum "$daemon_json" "$seccomp"
  section written stat -c '%n|%Y' "$daemon_json" "$loaded" "$seccomp"
}
containers() {
  section containers timeout 20 sudo -n sh -c 'ids=$(docker -H "$1" ps -q --no-trunc) && [ -z "$ids" ] ||
    docker -H "$1" inspect --format "{{.Id}}|{{slice .Name 1}}|{{.HostConfig.Runtime}}|{{.State.StartedAt}}|{{.HostConfig.AutoRemove}}" $ids' sh "unix://$socket"
}
# One call also reports the values of daemon.json in force, and counts the stored objects.
runtimes() {
  section runtimes timeout 20 sudo -n sh -c 'docker -H "$1" info --format "{{.DefaultRuntime}} {{range \$name, \$_ := .Runtimes}}{{\$name}} {{end}}
{{.DockerRootDir}}
[{{.Containers}},{{.Images}},{{json .Driver}},{{json .DriverStatus}},{{json .LoggingDriver}},{{json .Plugins.Log}},{{json .Labels}},{{json .LiveRestoreEnabled}},{{json .Debug}},{{with .RegistryConfig}}{{json .Mirrors}}{{else}}null{{end}},{{json .DefaultRuntime}},{{json .Runtimes}}]" | {
      IFS= read -r names && printf "%s\n" "$names" && IFS= read -r root && [ -n "$root" ] &&
        printf "%s\n" "$root" && cat &&
        { ls -1p "$root/volumes" && echo volumes || true; }
    }' sh "unix://$socket"
}

# Only an active daemon is asked: with socket activation, a question to a stopped one would start it.
# The client is what takes longest, so each waits in its pipe, whole, while the rest is looked at.
if active; then
  containers | { runtimes | { system; cat; }; cat; }
else
  system
fi
printf '@%s end\n' "$mark"
