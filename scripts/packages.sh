#!/usr/bin/env bash
# What the system must have beside Rust and Node: scripts/packages.sh test|bench
# As root it installs what is missing (Debian); else it prints the command and stops.
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1; }
have_postgres() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

missing=()
need() { # package, what it is for, test command...
    local package=$1 what=$2
    shift 2
    if "$@"; then
        printf '  %-14s %s\n' "$package" "$what"
    else
        printf '  %-14s %s (missing)\n' "$package" "$what"
        missing+=("$package")
    fi
}

echo "System packages:"
need gcc "compiles SQLite and links" have cc
need libc6-dev "compiles SQLite and links" test -e /usr/include/stdio.h
need make "runs the targets of the Makefile" have make
need curl "the lines of README and docs" have curl
need postgresql-15 "the second engine under the tests" have_postgres
case ${1:-test} in
    test)
        need chromium "the browser under the console's tests" have chromium
        need python3-venv "the tools that make up requests" python3 -c 'import ensurepip, venv'
        ;;
    bench) need wrk "the load" have wrk ;;
    *) echo "usage: $0 test|bench" >&2; exit 2 ;;
esac
[ ${#missing[@]} -gt 0 ] || exit 0

install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "${missing[@]}")
if [ "$(id -u)" -ne 0 ]; then
    echo "Please run this first, then try again:"
    echo "  sudo apt-get update && sudo ${install[*]}"
    exit 1
fi
# A cluster that Debian would make is of no use here: the tests start their own.
mkdir -p /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/tenon.conf
apt-get update -qq
"${install[@]}" >/dev/null
