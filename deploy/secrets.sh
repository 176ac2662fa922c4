#!/bin/sh
# Makes the passwords that docker-compose.yml mounts: each is made once and then left as it is.
# Usage: sh deploy/secrets.sh [DIR]    (deploy/secrets when left out)
set -eu

dir=${1:-$(dirname "$0")/secrets}
mkdir -p "$dir"
# The folder is closed to others; the files are open, because containers read them as users of their own.
chmod 700 "$dir"

make() { # NAME: a file with 32 random hexadecimal digits, if there is none
    [ -s "$dir/$1" ] || od -An -N16 -tx1 /dev/urandom | tr -d ' \n' > "$dir/$1"
    chmod 644 "$dir/$1"
}

hash() { # NAME: what ClickHouse compares a password with
    if command -v sha256sum > /dev/null; then sha256sum "$dir/$1"; else shasum -a 256 "$dir/$1"; fi | cut -d' ' -f1
}

make clickhouse_password
make clickhouse_grafana_password
make grafana_admin_password

# The other half of the users in deploy/clickhouse/users.d/icarus.xml; always of the present passwords.
cat > "$dir/clickhouse_users.xml" <<XML
<clickhouse>
    <users>
        <icarus><password_sha256_hex>$(hash clickhouse_password)</password_sha256_hex></icarus>
        <grafana><password_sha256_hex>$(hash clickhouse_grafana_password)</password_sha256_hex></grafana>
    </users>
</clickhouse>
XML
chmod 644 "$dir/clickhouse_users.xml"

echo "The passwords are in $dir; Grafana's is in $dir/grafana_admin_password, for the user admin."
