# Starts a container with each of the runtimes $2, $3 and so on, prints the name of each runtime
# that worked, and removes everything it created. Its image consists of files of the guest, so it
# needs no network.
set -eu
shift
thing=cai-doctor-$$
clean() {
  docker rm -f "$thing" >/dev/null 2>&1 || true
  docker rmi -f "$thing" >/dev/null 2>&1 || true
}
trap clean EXIT
trap 'exit 143' HUP INT TERM
program=/bin/true
# A static program needs no other files in the image.
if busybox=$(command -v busybox); then program=$busybox; fi
libraries=$(ldd "$program" 2>/dev/null | grep -o '/[^ ]*' | sort -u) || libraries=
# shellcheck disable=SC2086
if ! words=$(tar -C / -chf - $(printf '%s\n' "$program" $libraries | cut -c 2-) | docker import - "$thing" 2>&1); then
  printf 'docker import: %s\n' "$words" >&2
  exit 1
fi
line=$program
case $program in */busybox) line="$program true" ;; esac
failed=0
for runtime in "$@"; do
  # $line is a constant of this script and is meant to be split.
  # shellcheck disable=SC2086
  if words=$(timeout 60 docker run --rm --network=none --name "$thing" --runtime="$runtime" "$thing" $line 2>&1); then
    printf '%s\n' "$runtime"
  else
    printf '%s: %s\n' "$runtime" "${words:-no answer within 60 s}" >&2
    failed=1
    docker rm -f "$thing" >/dev/null 2>&1 || true
  fi
done
exit "$failed"
