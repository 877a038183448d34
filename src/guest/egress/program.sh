#!/bin/sh
# Written by cai. load: replaces the rules in one transaction and keeps the addresses of names. resolve:
# runs the resolver. check FILE: checks rules without loading them. log - -n LINES [-f]: prints what was
# refused.
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
  # Tells the rules in force from those of a load that was interrupted.
  sha256sum /etc/cai/egress.nft >"$run/rules.sum"
  ;;
resolve)
  : >"$run/servers"
  while read -r word server _; do
    if [ "$word" = nameserver ]; then
      sed "s|@\$|$server|" /etc/cai/egress-servers >>"$run/servers"
    fi
  done </etc/resolv.conf
  if [ ! -s "$run/servers" ] && [ -s /etc/cai/egress-servers ]; then
    echo "cai: no name server in /etc/resolv.conf" >&2
    exit 1
  fi
  sha256sum /etc/cai/egress-dns.conf /etc/cai/egress-servers >"$run/resolver.sum"
  exec dnsmasq --keep-in-foreground --log-facility=- --pid-file= --conf-file=/etc/cai/egress-dns.conf
  ;;
log)
  # The names of containers by their addresses, as they are now.
  names=$(docker ps -q | xargs -r docker inspect -f \
    '{{$name := .Name}}{{range .NetworkSettings.Networks}}{{.IPAddress}} {{$name}};{{.GlobalIPv6Address}} {{$name}};{{end}}' |
    tr -d '\n/')
  shift 2
  journalctl -q --no-pager -o short-iso "$@" _TRANSPORT=kernel + _SYSTEMD_UNIT=cai-egress-dns.service |
    awk -W interactive -v names="$names" '
      BEGIN {
        count = split(names, pairs, ";")
        for (i = 1; i <= count; i++) if (split(pairs[i], pair, " ") == 2) name[pair[1]] = pair[2]
      }
      function container(address) { return address in name ? name[address] : address }
      function value(key,  i) {
        for (i = 1; i <= NF; i++) if (index($i, key "=") == 1) return substr($i, length(key) + 2)
        return ""
      }
      / is NXDOMAIN$/ && / config / {
        for (i = 1; i <= NF; i++) if ($i == "config") { split($(i - 1), from, "/"); host = $(i + 1) }
        print $1, container(from[1]), host, "(name)"
      }
      / reply / { for (i = 1; i <= NF; i++) if ($i == "reply") host_of[$(i + 3)] = $(i + 1) }
      /cai-egress: / {
        to = value("DST"); port = value("DPT")
        known = to in host_of ? " (" host_of[to] ")" : ""
        print $1, container(value("SRC")), to (port == "" ? "" : ":" port) known, value("PROTO")
      }
    '
  ;;
esac
