#!/bin/sh
# Makes sure that the feature kafka-tls can be built: OpenSSL's headers, and pkg-config, which finds them. Whoever has them
# elsewhere says so by $OPENSSL_DIR.
set -eu
[ -n "${OPENSSL_DIR:-}" ] && exit 0
pkg-config --exists openssl 2>/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "TLS to Kafka is built with OpenSSL's headers: install pkg-config and libssl-dev (elsewhere: openssl-devel), or set OPENSSL_DIR" >&2
  exit 1
fi
echo "Installing OpenSSL's headers ..."
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libssl-dev pkg-config >/dev/null
