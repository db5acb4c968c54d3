#!/usr/bin/env bash
# Builds a release, measures it on SQLite and on PostgreSQL, and writes bench/RESULTS.md: bench/run.sh
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
make --no-print-directory console/dist/index.html
cargo build --release --locked -p server
cargo build --release --locked --manifest-path bench/hello/Cargo.toml --target-dir "$CARGO_TARGET_DIR/bench"
POSTGRES_FSYNC=on scripts/postgres.sh python3 bench/bench.py --tenon "$CARGO_TARGET_DIR/release/tenon" \
    --hello "$CARGO_TARGET_DIR/bench/release/hello" --results bench/RESULTS.md
