# Writes the files that enforce [egress], checks them, and loads them. Reads lines "PATH MODE BASE64", as
# Base64. cai needs no other configuration of the packages; `dnsmasq-base` starts no service.
set -eu
files=$(base64 -d)
umask 022
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"
if ! command -v nft >/dev/null || ! command -v dnsmasq >/dev/null; then
  apt-get -q -o DPkg::Lock::Timeout=600 update
  apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends nftables dnsmasq-base
fi
new=/var/lib/cai/egress
rm -rf "$new"
mkdir -p "$new"
printf '%s\n' "$files" | while read -r path mode text; do
  mkdir -p "$new${path%/*}"
  printf '%s' "$text" | base64 -d >"$new$path"
  chmod "$mode" "$new$path"
done
# A mistake must not replace rules that work.
sh "$new/etc/cai/egress" check "$new/etc/cai/egress.nft"
dnsmasq --test --conf-file="$new/etc/cai/egress-dns.conf"
printf '%s\n' "$files" | while read -r path _; do
  mkdir -p "${path%/*}"
  mv "$new$path" "$path"
done
rm -rf "$new"
systemctl daemon-reload
systemctl enable -q cai-egress.service cai-egress-dns.service
# A restart of the rules would restart Docker, which requires them.
systemctl reset-failed cai-egress.service cai-egress-dns.service 2>/dev/null || true
systemctl reload-or-restart cai-egress.service
systemctl restart cai-egress-dns.service
