# If Docker is missing, cai installs it later, when the guest answers.
if ! command -v dockerd >/dev/null 2>&1; then
  exit 0
fi
