# Makes the running daemon take over what it can of daemon.json without a restart.
set -eu
systemctl reload docker.service
mkdir -p /var/lib/cai
cp /etc/docker/daemon.json /var/lib/cai/daemon.json.loaded
not_older /var/lib/cai/daemon.json.loaded
