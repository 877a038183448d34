#!/bin/bash
# Written by cai.
set -eu
if ! timeout 60s bash -c 'until sudo docker info >/dev/null 2>&1 || [ -e /run/cai-provision-failed ] || [ -e /run/lima-boot-done ]; do sleep 1; done'; then
  echo >&2 "Docker does not answer yet"
  exit 1
fi
