# Sends a request to the Docker API from inside a container, as the current user. Runs after
# guest/section.sh. $2 is the path of the socket, the rest are the clients in the image.
socket=$2
shift 2
request='GET /version HTTP/1.0\r\nHost: docker\r\n\r\n'

groups() {
  while read -r key value rest; do
    case $key in Gid: | Groups:) echo "$value $rest" ;; esac
  done </proc/self/status
}
# To connect to a socket, a process needs write permission. A read-only mount does not matter.
writable() { [ -w "$socket" ]; }
# A daemon that hangs must not leave a process.
limited() {
  if command -v timeout >/dev/null 2>&1; then timeout 10 "$@"; else "$@"; fi
}
ask() {
  case $1 in
  docker) limited docker -H "unix://$socket" version --format 'ApiVersion={{.Server.APIVersion}}' ;;
  curl) curl -sS -m 10 --unix-socket "$socket" http://docker/version ;;
  python3) limited python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
s.sendall(b"GET /version HTTP/1.0\r\nHost: docker\r\n\r\n")
data = b"".join(iter(lambda: s.recv(65536), b""))
sys.stdout.write(data.decode("utf-8", "replace"))' "$socket" ;;
  socat) printf "$request" | limited socat -t 10 - "UNIX-CONNECT:$socket" ;;
  perl) limited perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die "$!\n";
connect($s, sockaddr_un($ARGV[0])) or die "connect: $!\n";
syswrite($s, "GET /version HTTP/1.0\r\nHost: docker\r\n\r\n"); print while <$s>;' "$socket" ;;
  node) limited node -e 'require("http").get({ socketPath: process.argv[1], path: "/version" },
  answer => answer.pipe(process.stdout)).on("error", error => { console.error(error.message); process.exit(1) })' "$socket" ;;
  # Some versions of nc do not support Unix sockets.
  nc) nc -h 2>&1 | grep -q -e '-[A-Za-z]*U' || return 126
    printf "$request" | limited nc -U -w 10 "$socket" ;;
  esac
}

section groups groups
section writable writable
for program; do
  section "ask-$program" ask "$program"
done
printf '@%s end\n' "$mark"
