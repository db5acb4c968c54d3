#!/usr/bin/env bash
# Licences, sources and bans of the dependencies, by cargo-deny and deny.toml.
# There is no binary of it in Debian or in a package registry, so a missing one is compiled once: two minutes on two cores, with
# little optimisation, because it then runs for a second. Advisories need a host outside the registries and are not asked.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.20.2
tools=${CARGO_TARGET_DIR:-target}/tools
PATH=$tools/bin:$PATH
if [ "$(cargo deny --version 2>/dev/null)" != "cargo-deny $version" ]; then
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
        cargo install cargo-deny --version $version --locked --no-default-features --quiet --root "$tools" --target-dir "$tools/build"
    rm -rf "$tools/build"
fi
cargo deny --log-level warn check bans licenses sources
