#!/bin/sh
# Makes sure that there is a Chromium for the browser tests: $CHROMIUM, or Debian's at /usr/bin/chromium.
set -eu
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] && exit 0
if [ -n "${CHROMIUM:-}" ]; then
  echo "CHROMIUM=$CHROMIUM can't be run" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The browser tests need Chromium: install it, and set CHROMIUM to its path unless it is /usr/bin/chromium" >&2
  exit 1
fi
echo "Installing Chromium ..."
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
