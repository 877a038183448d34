# Makes the namespaces $1-g (guest), $1-i (internet), $1-c1, $1-c2 (containers in two networks) and $1-c3
# (behind c1, as in an engine inside a container).
n=$1
for it in g i c1 c2 c3; do
  ip netns add "$n-$it"
  ip -n "$n-$it" link set lo up
done
# With the check of source addresses that systemd sets.
set_all() {
  ip netns exec "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    for it in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 2 >$it; done'
}
pair() { # NAMESPACE INTERFACE NAMESPACE INTERFACE
  ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
  ip -n "$1" link set "$2" up
  ip -n "$3" link set "$4" up
}
address() { ip -n "$1" addr add "$3" dev "$2" $(case $3 in *:*) echo nodad ;; esac); }

for bridge in docker0 br-team; do
  ip -n "$n-g" link add "$bridge" type bridge
  ip -n "$n-g" link set "$bridge" up
done
address "$n-g" docker0 172.17.0.1/16
address "$n-g" docker0 fd17::1/64
address "$n-g" br-team 172.18.0.1/16

pair "$n-g" eth0 "$n-i" eth0
address "$n-g" eth0 192.168.5.15/24
address "$n-g" eth0 2001:db8:5::15/64
address "$n-i" eth0 192.168.5.2/24
address "$n-i" eth0 2001:db8:5::2/64
ip -n "$n-g" route add default via 192.168.5.2
ip -n "$n-g" route add default via 2001:db8:5::2
ip -n "$n-i" route add 172.16.0.0/12 via 192.168.5.15
ip -n "$n-i" route add fd17::/64 via 2001:db8:5::15
for it in 192.168.5.3/32 203.0.113.10/32 203.0.113.11/32 203.0.113.12/32 203.0.113.20/32 203.0.113.30/32 \
  203.0.113.40/32 169.254.169.254/32 100.100.100.200/32 10.9.9.9/32 10.1.2.3/32 \
  2001:db8:99::10/128 2001:db8:99::20/128 fd00:ec2::254/128; do
  address "$n-i" lo "$it"
done

pair "$n-g" to-c1 "$n-c1" eth0
ip -n "$n-g" link set to-c1 master docker0
address "$n-c1" eth0 172.17.0.2/16
address "$n-c1" eth0 fd17::2/64
ip -n "$n-c1" route add default via 172.17.0.1
ip -n "$n-c1" route add default via fd17::1
pair "$n-g" to-c2 "$n-c2" eth0
ip -n "$n-g" link set to-c2 master br-team
address "$n-c2" eth0 172.18.0.2/16
ip -n "$n-c2" route add default via 172.18.0.1

pair "$n-c1" to-c3 "$n-c3" eth0
address "$n-c1" to-c3 172.31.0.1/16
address "$n-c3" eth0 172.31.0.2/16
ip -n "$n-c3" route add default via 172.31.0.1
set_all "$n-g"
set_all "$n-i"
set_all "$n-c1"
ip netns exec "$n-c1" nft -f - <<'RULES'
table ip inner {
  chain out {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" masquerade
  }
}
RULES
