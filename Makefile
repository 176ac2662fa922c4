# What can be done here. `make` alone prints this.

.DEFAULT_GOAL := help
CARGO ?= cargo
DEMO_FLAGS ?=
CHAOS_FLAGS ?=

##@ Use

demo: release ## Icarus, a shop, and the shop's users: everything by one command (DEMO_FLAGS="--port 7070 --site-port 7080")
	@node demo/run.mjs $(DEMO_FLAGS)

release: web ## the binary, with the dashboard and the SDK in it: target/release/icarus
	@echo "Building the binary (some minutes the first time) ..."
	@$(CARGO) build --release --locked -p icarus

web: dashboard/dist/index.html sdk/dist/icarus.js ## the dashboard and the SDK, which the binary contains

##@ Test

test: test-rust test-web test-browser ## every test: Rust, TypeScript, browsers

test-rust: web openssl ## formatting, lints, and all crates; whole-process tests are in e2e/
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	$(CARGO) test --locked --workspace --all-features

test-web: web ## types and pure functions of the dashboard and the SDK
	cd sdk && npm test
	cd dashboard && npm test

test-browser: web chromium e2e/node_modules/.package-lock.json ## the pages in Chromium, over mock answers and over a real server
	$(CARGO) build --locked -p icarus
	cd dashboard && npm run test:browser
	cd e2e && npm test

chaos: web ## every role and server killed 200 times under load, then every count compared with the truth (CHAOS_FLAGS="--kills 200 --seed 1")
	$(CARGO) run --locked -p e2e --bin chaos -- $(CHAOS_FLAGS)

##@ Look

bench: ## events per second of the fold, on one core
	$(CARGO) bench --locked -p benches --bench fold

screens: web chromium ## pictures of every page, over mock answers, into dashboard/screens/
	cd dashboard && npm run screens

chromium: ## Debian's Chromium, installed if it is missing and this is root
	@sh e2e/chromium.sh

openssl: ## OpenSSL's headers, for TLS to Kafka, installed if they are missing and this is root
	@sh event-log/openssl.sh

clean: ## removes what was built, and the demo's data
	$(CARGO) clean
	rm -rf sdk/dist sdk/node_modules dashboard/dist dashboard/node_modules e2e/node_modules demo/data

# ---- how the pages are built ----

sdk/node_modules/.package-lock.json: sdk/package-lock.json
	@echo "Fetching what the SDK is built with ..."
	@cd sdk && npm ci --no-audit --no-fund --loglevel=error

sdk/dist/icarus.js: sdk/node_modules/.package-lock.json $(shell find sdk/src sdk/scripts -type f)
	@echo "Building the SDK ..."
	@cd sdk && npm run --silent build

dashboard/node_modules/.package-lock.json: dashboard/package-lock.json
	@echo "Fetching what the dashboard is built with ..."
	@cd dashboard && npm ci --no-audit --no-fund --loglevel=error

dashboard/dist/index.html: dashboard/node_modules/.package-lock.json dashboard/index.html dashboard/vite.config.ts $(shell find dashboard/src -type f)
	@echo "Building the dashboard ..."
	@cd dashboard && npm run --silent build

e2e/node_modules/.package-lock.json: e2e/package-lock.json
	@cd e2e && npm ci --no-audit --no-fund --loglevel=error

help:
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo release web test test-rust test-web test-browser chaos bench screens chromium openssl clean help
