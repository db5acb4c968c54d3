#!/usr/bin/env bash
# Runs what a document tells its readers to type: every ```sh block of each file, in order, against a server of its own with fresh
# data. Every request must be answered with success; in blocks that begin with ```sh refused, every request must be refused.
set -euo pipefail
cd "$(dirname "$0")/.."
printed=http://127.0.0.1:7070

script_of() {
    awk '
        /^```sh( refused)?$/ { inside = 1; print (/refused/ ? "expected=refused" : "expected=success"); next }
        /^```/ { inside = 0; next }
        inside { print }
    ' "$1"
}

if [ $# -gt 1 ]; then
    for file in "$@"; do "$0" "$file"; done
    exit
fi

source scripts/serve.sh
start_server
cat >"$scratch/tour" <<'EOF'
set -euo pipefail
stop() {
    printf '\n%s:\n%s\n' "$1" "$(sed -n "${BASH_LINENO[1]}p" "$0")" >&2
    exit 1
}
curl() {
    local code=0
    command curl --fail-with-body --max-time 30 "$@" || code=$?
    case $expected:$code in
        success:0 | refused:22) ;;
        success:*) stop "This ended with $code" ;;
        *) stop "This was not refused" ;;
    esac
}
EOF
script_of "$1" >>"$scratch/tour"
sed -i "s#$printed#$url#g" "$scratch/tour"
if ! bash "$scratch/tour" >"$scratch/answers" 2>&1 </dev/null; then
    tail -n 8 "$scratch/answers"
    echo "$1 does not work as printed" >&2
    exit 1
fi
[ -z "${SHOW_ANSWERS:-}" ] || cat "$scratch/answers"
echo "$1: $(script_of "$1" | grep -c 'curl\|tenon') commands work as printed"
