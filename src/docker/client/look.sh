# Inspects a container from inside as root and changes nothing. Runs after guest/section.sh. $2 is
# the path of the socket. It uses the shell where possible, because images have few programs.
socket=$2

show() {
  while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done <"$1"
}
kind() {
  if [ -S "$socket" ]; then echo socket; elif [ -e "$socket" ]; then echo other; else echo missing; fi
}
# One line per process: its pid, real uid, real gid and groups. A process may end meanwhile.
processes() {
  for file in /proc/[0-9]*/status; do
    pid= uid= gid= groups=
    while read -r key value rest; do
      case $key in
      Pid:) pid=$value ;;
      Uid:) uid=$value ;;
      Gid:) gid=$value ;;
      Groups:) groups="$value $rest" ;;
      esac
    done 2>/dev/null <"$file" && echo "$pid $uid $gid $groups"
  done
}
bits() {
  stat -L -c '%a %u %g' "$socket" 2>/dev/null || ls -lnL "$socket"
}
clients() {
  for program in docker curl python3 socat perl node nc; do
    command -v "$program" >/dev/null 2>&1 && echo "$program"
  done
  true
}

section kind kind
section bits bits
section processes processes
section passwd show /etc/passwd
section group show /etc/group
section clients clients
printf '@%s end\n' "$mark"
