systemctl unmask docker.service docker.socket 2>/dev/null || true
systemctl reset-failed docker.service docker.socket 2>/dev/null || true
systemctl enable --now docker.service
