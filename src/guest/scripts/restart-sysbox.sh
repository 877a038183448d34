# Restarts Sysbox's services. Its containers must be restarted afterwards.
set -eu
systemctl reset-failed sysbox.service sysbox-mgr.service sysbox-fs.service 2>/dev/null || true
systemctl restart sysbox.service || true
check_sysbox
