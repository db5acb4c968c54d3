#!/usr/bin/env bash
# The version before this one, for real: builds its binary, and then old and new take turns on the same data, on both engines.
# scripts/previous.sh            runs the story (some minutes: it builds a second binary)
# scripts/previous.sh fixture    also makes crates/server/tests/fleet/previous.tar.gz anew, which `make test` opens
# The version is the commit in scripts/previous.commit; TENON_PREVIOUS=BINARY uses one that was built already.
set -euo pipefail

cd "$(dirname "$0")/.."
root=$PWD
binary=${TENON_PREVIOUS:-}
if [ -z "$binary" ]; then
    commit=$(cat scripts/previous.commit)
    dir=$(mktemp -d "${TMPDIR:-/tmp}/tenon-previous.XXXXXX")
    trap 'git -C "$root" worktree remove --force "$dir/source" 2>/dev/null || true; rm -rf "$dir"' EXIT
    git worktree add --quiet --detach "$dir/source" "$commit"
    (cd "$dir/source" && CARGO_TARGET_DIR="$dir/target" cargo build --locked --quiet -p server)
    binary=$dir/target/debug/tenon
fi
export TENON_PREVIOUS=$binary
story=(cargo test --locked --quiet -p server --test fleet -- --ignored r_20_the_previous_version)
if [ "${1:-}" = fixture ]; then
    TENON_FIXTURE=$root/crates/server/tests/fleet/previous.tar.gz "${story[@]}"
else
    "${story[@]}"
fi
scripts/postgres.sh "${story[@]}"
