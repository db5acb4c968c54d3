#!/usr/bin/env bash
# The API against its own OpenAPI document: schemathesis calls every operation as the owner of a company, with what the document allows
# and what it does not. Nothing may be answered with a 5xx, with a status or content type that is not documented, or with a body that is
# not as documented.  scripts/schemathesis.sh [OPTIONS OF st run]
set -euo pipefail
cd "$(dirname "$0")/.."

# The versions that scripts/schemathesis.txt names, in a folder of their own.
tools=${TENON_TOOLS:-.test/schemathesis}
if ! cmp -s scripts/schemathesis.txt "$tools/installed.txt"; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check -r scripts/schemathesis.txt
    cp scripts/schemathesis.txt "$tools/installed.txt"
fi
st=$(realpath "$tools/bin/st")

source scripts/serve.sh
export TENON_LIMITS__ENABLED=false
start_server

# A company with the CRM and some records.
owner=$(tenon demo --json | python3 -c 'import json, sys; demo = json.load(sys.stdin); print(json.dumps({k: demo[k] for k in ("email", "password")}))')
token=$(command curl -fsS "$url/api/v1/auth/token" -H 'content-type: application/json' -d "$owner" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

# Left out, because it would end the run or never end itself:
leave=(
    events.stream           # a stream of events has no end
    auth.sign_out           # ends the token that everything else is asked with
    account.sessions.delete # the same: ids that were answered are asked for again
    modules.uninstall       # takes the CRM away from under all others
)
without=()
for name in "${leave[@]}"; do
    without+=(--exclude-operation-id "$name")
done

# What is asked by id is about something that is there, until it is deleted last of all.
ask() { command curl -fsS "$url/api/v1/$1" -H "authorization: Bearer $token" -H 'content-type: application/json' "${@:2}"; }
id() { python3 -c 'import json, sys; found = json.load(sys.stdin); print(found.get("items", [found])[0]["id"])'; }
ask crm/activities -d '{"kind": "call", "subject": "Sample"}' >/dev/null
ask account/views -d '{"name": "Mine", "resource": "crm.deals", "query": "stage=won"}' >/dev/null
for place in crm/companies crm/people crm/deals crm/activities account/views; do
    printf '[[operations]]\ninclude-path-regex = "^/api/v1/%s/"\n[operations.parameters]\n"path.id" = "%s"\n' "$place" "$(ask "$place?limit=1" | id)"
done >"$scratch/schemathesis.toml"
printf '[[operations]]\ninclude-path-regex = "^/api/v1/modules/"\n[operations.parameters]\n"path.id" = "crm"\n' >>"$scratch/schemathesis.toml"

cd "$scratch"
"$st" run "$url/api/v1/openapi.json" --header "Authorization: Bearer $token" "${without[@]}" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --phases coverage,fuzzing --seed 1 --max-examples 20 --generation-with-security-parameters false \
    --generation-database none --no-shrink --workers 1 --suppress-health-check all --warnings off --request-timeout 30 "$@" || {
    grep -v 'INFO' "$scratch/server.log" | tail -n 20 >&2
    exit 1
}
# Whoever is signed out in the middle has tested nothing but that.
ask me >/dev/null || { echo "the token was no longer good at the end of the run" >&2; exit 1; }
