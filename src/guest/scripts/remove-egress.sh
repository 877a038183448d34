# Removes the rules, the resolver and the files $2, $3 and so on. The packages stay.
set -eu
shift
export PATH="$PATH:/usr/sbin:/sbin"
systemctl disable -q cai-egress-dns.service cai-egress.service 2>/dev/null || true
systemctl stop cai-egress-dns.service 2>/dev/null || true
# Docker no longer requires the rules, so that it does not stop with them.
rm -f /etc/systemd/system/docker.service.d/50-cai-egress.conf
systemctl daemon-reload
systemctl stop cai-egress.service 2>/dev/null || true
if nft list table inet cai_egress >/dev/null 2>&1; then nft delete table inet cai_egress; fi
rm -rf /run/cai-egress /var/lib/cai/egress
rm -f "$@"
rmdir /etc/cai /etc/systemd/system/docker.service.d 2>/dev/null || true
systemctl daemon-reload
