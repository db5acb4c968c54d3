#!/usr/bin/env bash
# Checks that console/src/api/schema.d.ts was made from what this binary says of itself: scripts/types.sh BINARY
set -euo pipefail
binary=$(realpath "$1")
cd "$(dirname "$0")/../console"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$binary" openapi --data "$scratch/data" >"$scratch/openapi.json"
node types.mjs "$scratch/openapi.json" --check
