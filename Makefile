# Tenon: `make help` lists what can be made.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

TARGET := $(or $(CARGO_TARGET_DIR),target)
TENON := $(TARGET)/debug/tenon
STEP := scripts/step
PACKAGES_READY := console/node_modules/.package-lock.json
CONSOLE := console/dist/index.html
CONSOLE_SOURCES := $(shell find console -type f -not -path 'console/node_modules/*' -not -path 'console/dist/*' 2>/dev/null)

.PHONY: help run build built test test-unit test-sqlite test-postgres test-console test-types test-browser test-schema test-readme lint deny bench soak fmt clean packages

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Build console and server, and serve ./data in dev mode
	@$(TENON) serve --data ./data --dev

build: $(CONSOLE) ## Build the console and the tenon binary (debug; see docs/operations.md for a release)
	@$(STEP) "build tenon" cargo build --locked -p server

test: lint packages built ## Lint, then every test there is: Rust on both engines, console, browser, README
	@$(MAKE) --no-print-directory test-sqlite test-postgres test-console test-types test-browser test-schema test-readme

test-unit: ## Rust tests on SQLite and console unit tests: nothing to install
	@$(MAKE) --no-print-directory test-sqlite test-console

test-sqlite: ## Rust tests on SQLite
	@$(STEP) "tests on SQLite" env -u TENON_TEST_POSTGRES cargo test --workspace --locked --quiet --no-fail-fast

test-postgres: ## Rust tests on a PostgreSQL that is started for them
	@$(STEP) "tests on PostgreSQL" scripts/postgres.sh cargo test --workspace --locked --quiet --no-fail-fast

test-console: $(PACKAGES_READY) ## Console unit tests
	@$(STEP) "console tests" npm --prefix console test

test-types: built ## The console's generated types against the server's OpenAPI document
	@$(STEP) "generated types" scripts/types.sh $(TENON)

test-browser: built ## The console in Chromium, against a fresh server
	@$(STEP) "browser tests" scripts/browser-tests.sh

test-schema: built ## The API against its own OpenAPI document, with made-up requests
	@$(STEP) "OpenAPI" scripts/schemathesis.sh

test-readme: built ## Every command line in README and docs, as printed
	@$(STEP) "README and docs" scripts/tour.sh README.md docs/api.md docs/modules.md
	@$(STEP) "same on PostgreSQL" scripts/postgres.sh scripts/tour.sh README.md docs/api.md docs/modules.md

lint: $(PACKAGES_READY) ## Formatting, clippy, dependencies, console types and rules
	@$(STEP) "rustfmt" cargo fmt --check
	@$(STEP) "clippy" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
	@$(MAKE) --no-print-directory deny
	@$(STEP) "console types" npm --prefix console run check
	@$(STEP) "console lint" npm --prefix console run lint

deny: ## Licences, sources and bans of the dependencies
	@$(STEP) "dependencies" scripts/deny.sh

bench: ## Build a release, measure it beside an axum hello, write bench/RESULTS.md
	@scripts/packages.sh bench
	@bench/run.sh

soak: ## The long proofs: hours become at most two; writes docs/evidence.md
	@scripts/packages.sh test
	@scripts/soak.sh

fmt: ## Format the Rust code
	@cargo fmt

clean: ## Remove what was built; data stays
	@rm -rf $(TARGET) console/dist console/node_modules .test

# Tests ask some dependencies for more features than the product does. Whoever tests builds once, with these, and not twice.
built: $(CONSOLE)
	@$(STEP) "build tests" cargo test --workspace --locked --no-run --quiet

packages:
	@$(STEP) "system packages" scripts/packages.sh test

$(PACKAGES_READY): console/package-lock.json
	@$(STEP) "console packages" npm --prefix console ci --no-audit --no-fund
	@touch $@

$(CONSOLE): $(PACKAGES_READY) $(CONSOLE_SOURCES)
	@$(STEP) "build console" npm --prefix console run build
	@touch $@
