if [ -r /etc/cai/proxy.env ]; then set -a && . /etc/cai/proxy.env && set +a; fi
