#!/bin/sh
# Written by cai. load: loads the rules at once, with the addresses that names had. resolve: runs the
# resolver. check FILE: checks rules without loading them.
set -eu
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C
table="inet cai_egress"
rules=${2:-/etc/cai/egress.nft}
run=/run/cai-egress
mkdir -p "$run"

# One transaction: in between, no packet passes without rules. Addresses in sets of entries that stay are
# kept, so their connections are not broken.
transaction() {
  echo "add table $table"
  echo "flush table $table"
  # shellcheck disable=SC2086
  nft list table $table 2>/dev/null | while read -r word name _; do
    if [ "$word" = set ] && ! grep -q "^  set $name {" "$rules"; then
      echo "delete set $table $name"
    fi
  done
  cat "$rules"
}

case $1 in
check)
  transaction | nft -c -f -
  ;;
load)
  transaction | nft -f -
  # shellcheck disable=SC2086
  nft -s -t list table $table >"$run/loaded.new"
  mv "$run/loaded.new" "$run/loaded"
  ;;
resolve)
  : >"$run/servers"
  while read -r word server _; do
    if [ "$word" = nameserver ]; then
      sed "s|@\$|$server|" /etc/cai/egress-servers >>"$run/servers"
    fi
  done </etc/resolv.conf
  exec dnsmasq --keep-in-foreground --log-facility=- --pid-file= --conf-file=/etc/cai/egress-dns.conf
  ;;
esac
