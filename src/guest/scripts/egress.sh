# Writes the files that enforce [egress], checks them, and loads them. Reads lines "PATH MODE BASE64", as
# Base64. cai needs no other configuration of the packages; `dnsmasq-base` starts no service.
set -eu
files=$(base64 -d)
umask 022
if ! command -v nft >/dev/null || ! command -v dnsmasq >/dev/null; then need nftables dnsmasq-base; fi
new=/var/lib/cai/egress
rm -rf "$new"
write_files "$files" "$new"
# A mistake must not replace rules that work.
sh "$new/etc/cai/egress" check "$new/etc/cai/egress.nft"
dnsmasq --test --conf-file="$new/etc/cai/egress-dns.conf"
rm -rf "$new"
write_files "$files" ''
systemctl daemon-reload
systemctl enable -q cai-egress.service cai-egress-dns.service
# A restart of the rules would restart Docker, which requires them.
systemctl reset-failed cai-egress.service cai-egress-dns.service 2>/dev/null || true
systemctl reload-or-restart cai-egress.service
systemctl restart cai-egress-dns.service
