# Starts a container with each of the runtimes $2, $3 and so on, prints the name of each that did, and
# leaves nothing behind. Its image is made of files of the guest, so that no network is needed, and it
# has none.
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
# A program that needs no others is most like an image of its own.
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
  # The words of the line are this script's own.
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
