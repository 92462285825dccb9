# The developer's entry points. Everything that is compiled stays in the user's cache, beside no source.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ansai
export CARGO_TARGET_DIR ?= $(CACHE)/target
export PATH := $(PATH):$(CACHE)/tools/bin
ANSAI = $(abspath $(CARGO_TARGET_DIR))/release/ansai

.PHONY: help run build policies test check bench soak fuzz coverage mutants demo setup setup-test
.DEFAULT_GOAL := help

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

run: policies ## look at this host once with the built-in policies, changing nothing
	@$(ANSAI) run policies/ --once; code=$$?; \
	case $$code in 0|3|5) ;; *) exit $$code ;; esac # 3: there are findings; 5: something could not be told

build: setup ## compile ansai into target/release/ansai
	cargo build --release -p ansai --bin ansai
	@$(if $(filter-out $(abspath target),$(abspath $(CARGO_TARGET_DIR))),mkdir -p target/release && ln -sfn $(ANSAI) target/release/ansai,:)

policies: build ## build the built-in policies
	@scripts/build-guests $(ANSAI) policies

test: check policies ## all checks and all tests
	cargo nextest run --release --workspace $(if $(filter true,$(CI)),--profile ci)
	cargo test --doc --release --workspace
	cargo test --locked --release --manifest-path policies/Cargo.toml --workspace

check: setup-test ## format, lints, documentation, licences
	scripts/check-format
	cargo clippy --release --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace --release
	scripts/licences-and-advisories

bench: policies setup-test ## measure; ONLY="gate replay" measures and prints only these
	RUSTC=$$(scripts/newest-rustc) CARGO_TARGET_DIR=$(CACHE)/extism cargo build --release --locked --manifest-path tests/benches/extism/Cargo.toml
	ANSAI_BENCH_EXTISM=$(CACHE)/extism/release/ansai-bench-extism \
	ANSAI_JS_TOOLS=$(CACHE)/tools/js ANSAI_PY_TOOLS=$(CACHE)/tools/py cargo run --release -p ansai-benches -- $(ONLY)

soak: policies ## the tests that CI only samples: every point of failure, 10^6 races, 10^7 files, a log of 1 GiB
	ANSAI_TEST_ALL_POINTS=1 cargo test --release -p ansai-e2e --test e2e -- crash:: --test-threads=2
	ANSAI_RACE_TRIES=1000000 cargo test --release -p ansai-host-functions --test files_races -- --test-threads=1
	ANSAI_SOAK_FILES=10000000 cargo test --release -p ansai-host-functions --test files_scale -- --test-threads=1
	ANSAI_TEST_LOG_MIB=1024 cargo test --release -p ansai-audit memory_does_not_grow_with_the_log

fuzz: policies ## random components and random calls, for FUZZ_MINUTES (60) in all
	ANSAI_FUZZ_SECONDS=$$((15 * $(or $(FUZZ_MINUTES),60))) cargo test --release --workspace --test fuzz -- --nocapture --test-threads=1

coverage: ## lines and branches of the crates that guard something, as a table
	scripts/coverage

mutants: ## change what guards something, and look whether a test notices (hours)
	scripts/mutants

demo: policies ## heal a full disk that is made for it
	scripts/demo

setup: ## make ready what a build needs
	@scripts/setup build

setup-test:
	@scripts/setup test
