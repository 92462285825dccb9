# Entry points for developers. Everything that is compiled goes to the user's cache, not to the source tree.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ansai
export CARGO_TARGET_DIR ?= $(CACHE)/target
export PATH := $(PATH):$(CACHE)/tools/bin
BUILT = $(abspath $(CARGO_TARGET_DIR))
ANSAI = $(BUILT)/release/ansai
# Where `make install` puts things; DESTDIR goes before all of them.
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
export PREFIX SYSCONFDIR DESTDIR
# What `make install` and `make package` take; PROGRAM=FILE names a program that was built before.
INSTALLED = $(or $(PROGRAM),target/dist/ansai)

.PHONY: help run build policies examples dist install uninstall package test check bench chaos soak fuzz coverage mutants \
	demo setup setup-check setup-test
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

run: policies ## check this host once with the built-in policies, changing nothing
	@$(ANSAI) run policies/ --once; code=$$?; \
	case $$code in 0|3|5) ;; *) exit $$code ;; esac # 3: there are findings; 5: something is unknown

build: setup ## compile ansai into target/release/ansai
	cargo build --release -p ansai --bin ansai
	@$(call link,release)

policies: build ## build the built-in policies
	@scripts/build-guests $(ANSAI) policies

examples: policies
	@scripts/build-guests $(ANSAI) policies/examples

dist: setup ## compile what `make install` and `make package` install, into target/dist
	cargo build --profile dist -p ansai --bin ansai
	@$(call link,dist)
	@scripts/build-guests $(BUILT)/dist/ansai policies

# Under sudo it installs what `make dist` built before, so that nothing is compiled as root.
install: $(if $(PROGRAM)$(SUDO_USER),,dist) ## install into PREFIX=/usr/local, below DESTDIR
	@scripts/install $(INSTALLED)

uninstall: ## remove what `make install` installed
	@scripts/install --uninstall

package: $(if $(PROGRAM),,dist) ## build a Debian package into target/package
	@scripts/package $(INSTALLED) $(or $(PACKAGES),target/package)

# A link in target/ to a program that is compiled elsewhere.
link = $(if $(filter-out $(abspath target),$(BUILT)),mkdir -p target/$1 && ln -sfn $(BUILT)/$1/ansai target/$1/ansai,:)

test: check setup-test policies examples ## run all checks and all tests
	cargo nextest run --release --workspace $(if $(filter true,$(CI)),--profile ci)
	cargo test --doc --release --workspace
	cargo test --locked --release --manifest-path policies/Cargo.toml --workspace

check: setup-check ## check format, lints, documentation, dependencies and licences
	scripts/check-format
	scripts/unused-dependencies
	cargo clippy --release --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace --release
	scripts/licences-and-advisories

# Only the comparison with extism needs it, and it compiles a second wasmtime.
BUILD_EXTISM = RUSTC=$$(scripts/newest-rustc) CARGO_TARGET_DIR=$(CACHE)/extism cargo build --release --locked --manifest-path tests/benches/extism/Cargo.toml

bench: policies setup-test ## measure; ONLY="gate replay" measures only these sections
	@$(if $(if $(ONLY),$(filter rivals,$(ONLY)),all),$(BUILD_EXTISM),:)
	ANSAI_BENCH_EXTISM=$(CACHE)/extism/release/ansai-bench-extism \
	ANSAI_JS_TOOLS=$(CACHE)/tools/js ANSAI_PY_TOOLS=$(CACHE)/tools/py cargo run --release -p ansai-benches -- $(ONLY)

chaos: policies setup-test ## make faults on purpose and write who found and healed them; FAULT=disk-fill makes one, FAULT=--list lists them
	cargo run --release -p ansai-chaos -- $(FAULT)

soak: policies ## run completely what CI samples: all crash points, a machine that sleeps, 10^6 races, 10^7 files, a 1 GiB log, 100,000 seeds
	ANSAI_TEST_ALL_POINTS=1 cargo test --release -p ansai-e2e --test e2e -- crash:: --test-threads=2
	ANSAI_TEST_ALL_POINTS=1 cargo test --release -p ansai-supervisor --test supervisor virtual_machine_ -- --include-ignored --test-threads=1
	ANSAI_RACE_TRIES=1000000 cargo test --release -p ansai-local --test files_races -- --test-threads=1
	ANSAI_SOAK_FILES=10000000 cargo test --release -p ansai-local --test files_scale -- --test-threads=1
	ANSAI_SEEDS=100000 cargo test --release -p ansai-supervisor --test seeds -- --nocapture no_seed_breaks_an_invariant
	ANSAI_TEST_LOG_MIB=1024 cargo test --release -p ansai-audit memory_does_not_grow_with_the_log

fuzz: policies ## run random components and calls, for FUZZ_MINUTES in total (default: 60)
	ANSAI_FUZZ_SECONDS=$$((5 * $(or $(FUZZ_MINUTES),60))) cargo test --release --workspace --test fuzz -- --nocapture --test-threads=1

coverage: ## measure line and branch coverage of the guarding crates
	scripts/coverage

mutants: ## change guarding code and check that a test fails (hours)
	scripts/mutants

demo: policies ## heal a full disk that the demo creates
	scripts/demo

setup: ## install what a build needs
	@scripts/setup build

setup-check setup-test: setup-%:
	@scripts/setup $*
