#!/usr/bin/env bash
# The long proofs, in less than two hours on two cores: scripts/soak.sh [REPORT]. Writes what was seen to REPORT (docs/evidence.md).
# What it runs is what `make test` runs in short: the same tests with TENON_SOAK=1, and `tenon verify` with --long.
# Each proof that held is kept in target/soak: whoever breaks off and begins again within a day goes on with the others.
set -uo pipefail
cd "$(dirname "$0")/.."
report=${1:-docs/evidence.md}
target=${CARGO_TARGET_DIR:-$PWD/target}
tenon=$target/release/tenon
kept=$target/soak
mkdir -p "$kept"
find "$kept" -name '*.md' -mtime +0 -delete
data=$(mktemp -d "${TMPDIR:-/var/tmp}/tenon-soak.XXXXXX")
trap 'rm -rf "$data"' EXIT
version=$(git describe --always --dirty 2>/dev/null || echo unknown)
number=0
failed=0

# One proof under a name: its time, whether it held, and the lines in which it says what it has seen.
proof() {
    local name=$1 began=$SECONDS outcome=held section log
    shift
    number=$((number + 1))
    section=$kept/$(printf '%02d' "$number").md
    log=${section%.md}.log
    if grep -qs '^Held' "$section"; then
        echo "== $name: held already"
        return
    fi
    echo "== $name"
    "$@" >"$log" 2>&1 || { outcome=FAILED; failed=1; }
    printf '== %-56s %5d s  %s\n' "$name" "$((SECONDS - began))" "$outcome"
    [ "$outcome" = held ] || tail -n 60 "$log"
    {
        printf '\n## %s\n\n%s, %d s, version %s.\n\n```text\n' "$name" "${outcome/held/Held}" "$((SECONDS - began))" "$version"
        # Of tests only their names and figures; a proof of the binary speaks for itself.
        if [ "$1" = "$tenon" ]; then
            sed 's/\x1b\[[0-9;]*m//g' "$log"
        else
            grep -hoE '(evidence: .*|^test [a-z0-9_:]+ .*(ok|FAILED)$|^test result: .*)' "$log" |
                grep -vE '^test result: ok\. 0 passed' | sed -E 's/; finished in .*//; s/^(test [^ ]+) .*(ok|FAILED)$/\1 \2/'
        fi
        printf '```\n'
    } >"$section"
}

long() { env TENON_SOAK=1 "$@" -- --nocapture --test-threads 2; }
tests=(cargo test --locked --no-fail-fast)

cargo build --release --locked -p server || exit 1
cargo test --workspace --locked --no-run || exit 1

proof "A server that is killed, 100 rounds" "$tenon" --data "$data" verify durability --power --long
proof "Everybody at every operation" "$tenon" --data "$data" verify authz
proof "What leaves, a million requests" "$tenon" --data "$data" verify isolation --long
proof "Power cuts, failing disks and flipped bits" long "${tests[@]}" -p faults
proof "Silos, on both engines" long scripts/postgres.sh "${tests[@]}" -p silo
proof "Work in steps, broken off at each, on SQLite" long "${tests[@]}" -p server --test steps
proof "The same on PostgreSQL" long scripts/postgres.sh "${tests[@]}" -p server --test steps
proof "Many companies, restarts, upgrades" long "${tests[@]}" -p server --test fleet
proof "What breaks around it, on SQLite" long "${tests[@]}" -p server --test broken --test clock
proof "The same on PostgreSQL, and PostgreSQL itself" long scripts/postgres.sh "${tests[@]}" -p server --test broken --test clock
proof "Attacks, on SQLite" long "${tests[@]}" -p server --test attacks --test bad_input --test sweep
proof "The same on PostgreSQL" long scripts/postgres.sh "${tests[@]}" -p server --test attacks --test bad_input --test sweep
proof "Parsers, with 100 000 texts each" env PROPTEST_CASES=100000 "${tests[@]}" -p kernel --lib -- fuzz
proof "The version before this one, on the same data" scripts/previous.sh

{
    echo "# Evidence"
    echo
    echo "What the long proofs have shown, written by \`make soak\` on $(date -u +%Y-%m-%d):" \
        "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores," \
        "$(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r | cut -d- -f1)."
    echo "Each test stands in [security.md](security.md) beside what it promises."
    cat "$kept"/*.md
} >"$report"
echo "== $report is written; $([ "$failed" -eq 0 ] && echo 'everything held' || echo 'NOT everything held')"
exit "$failed"
