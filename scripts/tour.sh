#!/usr/bin/env bash
# Runs what a document tells its readers to type: every ```sh block of each file, in order, against a server of its own with fresh
# data. Every request must be answered with success; in a block that begins with ```sh refused, every request must be refused;
# before one that begins with ```sh restarted, the server is restarted, as the text says.
set -euo pipefail
cd "$(dirname "$0")/.."
printed=http://127.0.0.1:7070

if [ $# -gt 1 ]; then
    for file in "$@"; do "$0" "$file"; done
    exit
fi
document=$1

source scripts/serve.sh
start_server
tour=$scratch/tour
answers=$scratch/answers
awk '
    /^```sh( refused| restarted)?$/ {
        inside = 1
        print "expected=" (/refused/ ? "refused" : "success") (/restarted/ ? "; stop_server; start_server" : "")
        next
    }
    /^```/ { inside = 0; next }
    inside { print }
' "$document" | sed "s#$printed#$url#g" >"$tour"

wrong() {
    printf '\n%s:\n%s\n' "$1" "$(sed -n "${BASH_LINENO[1]}p" "$tour")" >&2
    exit 1
}
curl() {
    local code=0
    command curl --fail-with-body --max-time 30 "$@" || code=$?
    case $expected:$code in
        # 23: whoever read the answer had enough of it.
        success:0 | success:23 | refused:22) ;;
        success:*) wrong "This ended with $code" ;;
        *) wrong "This was not refused" ;;
    esac
}
finished=no
exec 3>&2
finish() {
    if [ "$finished" = no ]; then
        tail -n 8 "$answers"
        grep -a ERROR "$scratch/server.log" || true
        echo "$document does not work as printed"
    fi >&3
    stop_server
    rm -rf "$scratch"
}
trap finish EXIT

source "$tour" >"$answers" 2>&1 </dev/null
finished=yes
[ -z "${SHOW_ANSWERS:-}" ] || cat "$answers"
echo "$document: $(grep -c 'curl\|tenon' "$tour") commands work as printed"
