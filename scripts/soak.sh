#!/usr/bin/env bash
# The long proofs, in less than two hours on two cores: scripts/soak.sh [REPORT]. Writes what was seen to REPORT (docs/evidence.md).
# What it runs is what `make test` runs in short: the same tests with TENON_SOAK=1, and `tenon verify` with --long.
set -uo pipefail
cd "$(dirname "$0")/.."
report=${1:-docs/evidence.md}
target=${CARGO_TARGET_DIR:-$PWD/target}
tenon=$target/release/tenon
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed=0
: >"$logs/steps"

# One proof under a name: its time, whether it held, and the lines in which it says what it has seen.
proof() {
    local name=$1 log began=$SECONDS outcome=held
    shift
    log=$logs/$(printf '%s' "$name" | tr -c 'a-zA-Z0-9' '-')
    echo "== $name"
    "$@" >"$log" 2>&1 || { outcome=FAILED; failed=1; }
    printf '== %-60s %5d s  %s\n' "$name" "$((SECONDS - began))" "$outcome"
    [ "$outcome" = held ] || tail -n 60 "$log"
    {
        printf '\n## %s\n\n%s, %d s.\n\n```text\n' "$name" "$outcome" "$((SECONDS - began))"
        # Of tests only their names and figures; a proof of the binary speaks for itself.
        if [ "$1" = "$tenon" ]; then
            sed 's/\x1b\[[0-9;]*m//g' "$log"
        else
            grep -hE '^(test .*(ok|FAILED)|evidence: .*|test result: .*)$' "$log" | grep -vE '^test result: ok\. 0 passed' | sed -E 's/; finished in .*//'
        fi
        printf '```\n'
    } >>"$logs/steps"
}

long() { env TENON_SOAK=1 cargo test --locked --no-fail-fast "$@" -- --nocapture --test-threads 2; }

cargo build --release --locked -p server || exit 1
cargo test --workspace --locked --no-run || exit 1
data=$(mktemp -d "${TMPDIR:-/var/tmp}/tenon-soak.XXXXXX")
trap 'rm -rf "$logs" "$data"' EXIT

proof "A server that is killed: 100 rounds" "$tenon" --data "$data" verify durability --power --long
proof "Everybody at every operation" "$tenon" --data "$data" verify authz
proof "What leaves: a million requests" "$tenon" --data "$data" verify isolation --long
proof "Power cuts, failing disks and flipped bits" long -p faults
proof "Silos, long forms" long -p silo
proof "The house, long forms, SQLite" long -p server -p account -p kernel
proof "The same on PostgreSQL" env TENON_SOAK=1 scripts/postgres.sh cargo test --locked --no-fail-fast -p server -p silo -p account -p kernel -- --nocapture --test-threads 2
proof "The version before this one, on the same data" scripts/previous.sh

{
    echo "# Evidence"
    echo
    echo "What the long proofs have shown, written by \`make soak\` on $(date -u +%Y-%m-%d):" \
        "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores," \
        "$(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r | cut -d- -f1)," \
        "version $(git describe --always --dirty 2>/dev/null || echo unknown). It took $((SECONDS / 60)) minutes."
    echo "Each test stands in [security.md](security.md) beside what it promises."
    cat "$logs/steps"
} >"$report"
echo "== $report is written; $([ "$failed" -eq 0 ] && echo 'everything held' || echo 'NOT everything held')"
exit "$failed"
