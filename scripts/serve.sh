# Sourced: a server in dev mode on a free port with fresh data, which ends with the script. Beside scripts/postgres.sh, its silos
# are there.
# start_server and stop_server; $url, $scratch; and `tenon` as a command that works on the same data.

scratch=$(mktemp -d "${TMPDIR:-/tmp}/tenon-serve.XXXXXX")
server=

stop_server() {
    [ -n "$server" ] || return 0
    kill -INT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
trap 'stop_server; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

binary=$(realpath "${CARGO_TARGET_DIR:-target}/debug/tenon")
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
mkdir "$scratch/bin"
ln -s "$binary" "$scratch/bin/tenon"
PATH=$scratch/bin:$PATH
export TENON_DATA=$scratch/data TENON_LISTEN=127.0.0.1:$port TENON_SILOS=${TENON_TEST_POSTGRES:-} TENON_STORAGE__SHARED=true

start_server() {
    tenon serve --dev >>"$scratch/server.log" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        ! command curl -fs -o /dev/null "$url/ready" || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    echo "tenon serve did not start:" >&2
    cat "$scratch/server.log" >&2
    exit 1
}
