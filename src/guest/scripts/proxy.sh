# The file is read and not run, so that a damaged one breaks no script.
if [ -r /etc/cai/proxy.env ]; then
  while IFS='=' read -r name value; do
    case $name in
    HTTP_PROXY | HTTPS_PROXY | NO_PROXY | http_proxy | https_proxy | no_proxy)
      value=${value#\"} value=${value%\"}
      export "$name=$value"
      ;;
    esac
  done </etc/cai/proxy.env
fi
