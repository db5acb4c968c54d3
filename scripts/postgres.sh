#!/usr/bin/env bash
# Runs a command beside a PostgreSQL of its own, named by TENON_TEST_POSTGRES: scripts/postgres.sh cargo test
# The cluster sorts by ICU en-US on purpose: a text column that forgot COLLATE "C" shows. It keeps nothing, and syncs nothing
# unless POSTGRES_FSYNC=on.
set -euo pipefail

initdb=$(command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1 || true)
bin=$(dirname "$(readlink -f "$initdb")")
[ -x "$bin/postgres" ] || { echo "PostgreSQL is missing: scripts/packages.sh says how to get it." >&2; exit 1; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/tenon-postgres.XXXXXX")
pid=
stop() {
    if [ -n "$pid" ]; then
        kill -INT "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" -eq 0 ]; then
    chown 65534:65534 "$dir"
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
cd "$dir"
"${as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale-provider=icu --icu-locale=en-US --no-sync >"$dir/log" 2>&1 || {
    cat "$dir/log" >&2
    exit 1
}
fsync=${POSTGRES_FSYNC:-off}
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"${as[@]}" "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" -c listen_addresses=127.0.0.1 -c fsync="$fsync" -c full_page_writes="$fsync" \
    -c max_connections=400 -c max_locks_per_transaction=256 -c log_min_messages=fatal >>"$dir/log" 2>&1 &
pid=$!
for try in $(seq 300); do
    ! "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" || break
    if [ "$try" -eq 300 ] || ! kill -0 "$pid" 2>/dev/null; then
        cat "$dir/log" >&2
        exit 1
    fi
    sleep 0.1
done
cd "$OLDPWD"
export TENON_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
"$@"
