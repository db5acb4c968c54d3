#!/usr/bin/env bash
# The console in Chromium, against a server of its own in dev mode.
set -euo pipefail
cd "$(dirname "$0")/.."
export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
export CHROME_PATH=$CHROMIUM
[ -x "$CHROMIUM" ] || { echo "Chromium is missing: scripts/packages.sh says how to get it." >&2; exit 1; }
source scripts/serve.sh
start_server
export TENON_URL=$url
npm --prefix console run e2e || {
    tail -n 50 "$scratch/server.log" >&2
    exit 1
}
