# Targets of Millstream. Builds live outside of the checkout, so that a clean clone does not compile everything again.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

export CARGO_TARGET_DIR ?= $(HOME)/.cache/millstream/target
export CARGO_NET_RETRY ?= 10
export CARGO_TERM_COLOR ?= auto

STAGE := scripts/stage
# The whole workspace is selected everywhere, so that cargo gives the dependencies the same features, and compiles them
# once, whether it builds a binary or the tests.
BUILD := cargo build --locked --workspace --bin millstream --bin millstream-operator
# A test that hangs must end by itself, with the name of the test as the last line.
LIMIT := timeout --foreground --kill-after=30s $(or $(TEST_LIMIT),45m)
# What computes the figures is tested each time: these tests take a tenth of a second and need nothing but Python.
BENCH := python3 -B -m unittest discover --quiet --start-directory tests/bench --pattern '*_test.py' && tests/bench/run
# On a clock that the test steers, which takes a feature of tokio that nothing else is to be built with.
CRASHES := cargo test --locked --workspace --features millstream-test-operator-sim/steered --test operator_crashes
EXAMPLE := examples/flight-delays

##@ Every day

.PHONY: run
run: bin/dev ## Run the example job (flight delays) and show its result; run it again and it continues
	@bin/millstream run $(EXAMPLE)/streamjob.yaml $(ARGS)
	@[[ ! -d $(EXAMPLE)/out/hourly ]] || bin/millstream run $(EXAMPLE)/result.sql --output table
	@for table in hourly sliding; do \
	  files=($$(compgen -G "$(EXAMPLE)/out/$$table/part-*" || true)); \
	  echo "$(EXAMPLE)/out/$$table: $${#files[@]} files, written exactly once"; \
	done

.PHONY: cluster
cluster: bin/dev ## Start a coordinator, workers and an S3 server here, with an example job, until Ctrl-C (WORKERS=3 SLOTS=2)
	@scripts/install s3
	@WORKERS=$(or $(WORKERS),2) SLOTS=$(or $(SLOTS),2) scripts/cluster $(JOB)

.PHONY: test
test: ## Run the test suite, with what it needs (an S3 server, a Kubernetes control plane) installed first
	@scripts/install test
	@$(BUILD)
	@$(LIMIT) cargo test --locked --workspace
	@$(LIMIT) $(CRASHES)

.PHONY: test-kube
test-kube: ## Run those tests only that need a Kubernetes control plane (ARGS="refused" for some)
	@scripts/install build
	@scripts/install kubernetes
	@$(LIMIT) cargo test --locked --workspace --test kube $(if $(ARGS),-- $(ARGS))

.PHONY: test-chart
test-chart: ## Run the tests of the chart, the manifests and the health checks (ARGS="rbac" for some)
	@scripts/install build
	@scripts/install kubernetes
	@scripts/install gitops
	@$(BUILD)
	@$(LIMIT) cargo test --locked --workspace --test chart $(if $(ARGS),-- $(ARGS))

.PHONY: test-docs
test-docs: ## Follow the pages about Kubernetes from an empty cluster, typing every command (ARGS="first_job" for some)
	@scripts/install build
	@scripts/install kubernetes
	@scripts/install gitops
	@$(BUILD)
	@$(LIMIT) cargo test --locked --workspace --test docs $(if $(ARGS),-- $(ARGS))

.PHONY: kubernetes
kubernetes: ## Start a Kubernetes control plane here (scripts/kubernetes down ends it), with the CRDs in it
	@scripts/install kubernetes
	@scripts/kubernetes up
	@eval "$$(scripts/kubernetes env)" && kubectl apply --server-side -f crds

.PHONY: check
check: ## What must pass before a change is shared: format, tidy, clippy, tests, docs. Writes nothing
	@$(STAGE) --begin
	@$(STAGE) install scripts/install test
	@$(STAGE) format cargo fmt --all --check
	@$(STAGE) tidy cargo test --locked --quiet --workspace --test tidy
	@$(STAGE) codegen bash -c 'cargo build --locked --quiet --workspace --bin xtask && "$$0" codegen --check' "$(CARGO_TARGET_DIR)/debug/xtask"
	@$(STAGE) clippy cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	@$(STAGE) build bash -c '$(BUILD) --quiet && cargo test --locked --workspace --no-run --quiet'
	@$(STAGE) test $(LIMIT) cargo test --locked --workspace --quiet
	@$(STAGE) crashes $(LIMIT) $(CRASHES) --quiet
	@RUSTDOCFLAGS="-D warnings" $(STAGE) doc cargo doc --locked --workspace --no-deps --quiet
	@$(STAGE) --summary

.PHONY: fix
fix: ## Mend what a machine can mend: format, clippy's suggestions, generated files
	@scripts/install build
	@cargo xtask codegen
	@cargo clippy --locked --workspace --all-targets --fix --allow-dirty --allow-staged --quiet
	@cargo fmt --all

.PHONY: build
build: ## Build the release binaries of engine and operator and link bin/millstream and bin/millstream-operator to them
	@scripts/install build
	@$(BUILD) --release
	@mkdir -p bin && ln -sfn "$(CARGO_TARGET_DIR)"/release/millstream{,-operator} bin
	@bin/millstream --version
	@bin/millstream-operator --version

.PHONY: docs
docs: ## Build the API documentation and print where it is
	@scripts/install build
	@cargo doc --locked --workspace --no-deps
	@echo "$(CARGO_TARGET_DIR)/doc/millstream_node/index.html"

##@ Longer

.PHONY: bench
bench: build ## Measure Nexmark beside real Flink, in a release build (ARGS="--queries q1,q17 --parallelism 1"); takes hours
	@$(BENCH) $(ARGS)

.PHONY: bench-self
bench-self: build ## The same without Flink (ARGS="--baseline FILE" fails when it got slower)
	@$(BENCH) --engines millstream $(ARGS)

.PHONY: bench-latency
bench-latency: build ## Measure the time from an event's due time to the output (ARGS="--rate 10000 --seconds 60 --bound 10")
	@tests/bench/latency $(ARGS)

.PHONY: bench-rescale
bench-rescale: build ## Measure how long rows stand still while a job with 2 million keys is rescaled (ARGS="--job grouped --bound 2")
	@tests/bench/rescale $(ARGS)

.PHONY: bench-operator
bench-operator: ## Measure the operator with 1,000 jobs on a real API server, beside its bounds (ARGS="--jobs 100 --seconds 60 --judge")
	@scripts/install build
	@scripts/install kubernetes
	@cargo build --locked --release --workspace --bin millstream-operator --example operator_scale
	@"$(CARGO_TARGET_DIR)/release/examples/operator_scale" --operator "$(CARGO_TARGET_DIR)/release/millstream-operator" $(ARGS)

# The profile that the programs of `make e2e` are built with, and the folder that cargo puts them into.
PROFILE ?= release
PROFILE_FLAG := $(if $(filter debug,$(PROFILE)),,--profile $(PROFILE))

.PHONY: e2e
e2e: ## Run a job on two real nodes (kubelet, containerd; as root) through upgrade, rescale, kills, drain (PROFILE=debug ARGS="--judge")
	@scripts/install build
	@scripts/install s3
	@scripts/install node
	@$(BUILD) $(PROFILE_FLAG) --example operator_node
	@"$(CARGO_TARGET_DIR)/$(PROFILE)/examples/operator_node" --engine "$(CARGO_TARGET_DIR)/$(PROFILE)/millstream" \
		--operator "$(CARGO_TARGET_DIR)/$(PROFILE)/millstream-operator" $(ARGS)

.PHONY: bench-state
bench-state: build ## Measure state larger than its memory, beside RocksDB itself (CASES="raw group window checkpoints")
	@cargo build --locked --release --workspace --example raw_rate
	@scripts/bench/state $(CASES)

.PHONY: bench-exchange
bench-exchange: ## Measure rows through an exchange in one process (ARGS="--channels 2,64") or over a connection (ARGS="--connection")
	@cargo run --locked --quiet --release -p millstream-exchange --example exchange_rate -- $(ARGS)

.PHONY: goldens
goldens: ## Ask real Flink for the expected rows of the SQL cases again (CASES="window scalar/trim" for some)
	@tests/sql/flink/record.sh $(CASES)

.PHONY: chaos
chaos: ## Faults of all kinds in processes, links, storage and disks for longer than the test suite has (MINUTES=60, SEED=1)
	@scripts/install build
	@scripts/install s3
	@$(BUILD)
	@MILLSTREAM_SIM_RUNS=3 cargo test --locked --workspace --test main -- --nocapture matrix::every_fault
	@MILLSTREAM_CHAOS_MINUTES=$(or $(MINUTES),60) MILLSTREAM_CHAOS_SEED=$(or $(SEED),1) \
		cargo test --locked --workspace --test main -- --nocapture --test-threads 1 chaos:: recovery:: matrix::a_fault_of_a_process

.PHONY: chaos-run
chaos-run: ## The same for jobs in one process (RUNS=300)
	@scripts/install build
	@scripts/install s3
	@$(BUILD)
	@MILLSTREAM_KILL_RUNS=$(or $(RUNS),300) cargo test --locked --package millstream-test-e2e -- --nocapture kill

.PHONY: sim
sim: ## Crash, delay and double the engine in one process, at every call to the store (RUNS=1000 a loop)
	@scripts/install build
	@MILLSTREAM_SIM_RUNS=$(or $(RUNS),1000) cargo test --locked --package millstream-test-sim -- --nocapture

.PHONY: sim-operator
sim-operator: ## Crash the operator at each of its calls, in every way (FAULT=12:LostAnswer for one of them)
	@scripts/install build
	@MILLSTREAM_SIM_FAULTS=$(or $(FAULT),all) $(CRASHES) -- --nocapture $(ARGS)

.PHONY: fuzz
fuzz: ## Feed random SQL, manifests and records to the parsers (ROUNDS=100000 a parser)
	@scripts/install build
	@PROPTEST_CASES=$(or $(ROUNDS),100000) cargo test --locked --workspace -- fuzz

##@ By hand

.PHONY: nodes
nodes: ## Start a cluster of two real nodes here, as root (scripts/node down ends it), with the CRDs in it
	@scripts/install s3
	@scripts/install node
	@scripts/node up
	@eval "$$(scripts/node env)" && kubectl apply --server-side -f crds

.PHONY: profile
profile: build ## Show where a query of the benchmark spends its time, with a flame graph (Q=q5_windows ARGS="--source generator")
	@tests/bench/profile $(Q) $(ARGS)

.PHONY: proto
proto: ## Write engine/proto/src/generated from engine/proto/proto
	@cargo run --locked --quiet --manifest-path engine/proto/generator/Cargo.toml

.PHONY: manifests
manifests: ## Write deploy/ and the page of the chart's values from the chart
	@scripts/install build
	@scripts/install gitops
	@MILLSTREAM_RECORD=1 cargo test --locked --quiet --workspace --test chart -- files_are_what the_page_has

# Not a file that make could date: cargo knows best whether anything changed.
.PHONY: bin/dev
bin/dev:
	@scripts/install build
	@$(BUILD)
	@mkdir -p bin && ln -sfn "$(CARGO_TARGET_DIR)/debug/millstream" bin/millstream

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5); next } \
	  /^[a-z][a-z0-9-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
