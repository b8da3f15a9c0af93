# make run    sets up what running needs and shows the processor at work on a small agent application
# make test   sets up what development needs and passes the tests
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$python >/dev/null 2>&1 \
	&& $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
CHECKED := processor deploy/release tests
# Twice as many tests at a time as there are cores: many wait for a process or for a pause to end.
WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
# A worker without work takes half of what another one still has before it.
PARALLEL = --numprocesses $(WORKERS) --dist worksteal
# Tests start about 150 processes, and each worker imports every test: byte code is kept, even where
# the environment asks Python to write none.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run serve test check format unit bench bench-overload bench-ledger bench-checks bench-verify programs test-full \
	test-backends test-deploy test-api test-clients test-senders fuzz fuzz-short \
	chaos chaos-short chaos-notify proto pictures dist release clean

help: ## show what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# What running needs and what development needs are installed apart: `make run` does not wait for
# linters. Each has a stamp, and the second includes the first.
$(VENV)/ready-run: pyproject.toml | $(BIN)/python
	$(call install,demo,the processor and its demo,20 s)
	@touch $@

$(VENV)/ready: pyproject.toml | $(BIN)/python
	$(call install,dev,the processor and the tools of development,30 s)
	@touch $(VENV)/ready-run $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "Python 3.11 or later is needed; here: $$(python3 --version 2>/dev/null || echo none)"; \
		echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or later is needed; $(PYTHON) is: $$($(PYTHON) --version 2>&1)"; exit 1; }
	@echo "Making an environment of $$($(PYTHON) --version) in $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

# $(call install,EXTRA,WHAT,HOW LONG): pip says nothing while it works, so these lines do.
define install
	@echo "Installing $(2) into $(VENV)"
	@echo "(about $(3) the first time, more on a slow machine or network; pip is silent)"
	@start=$$(date +%s) && $(BIN)/python -m pip install --quiet \
		--disable-pip-version-check --editable '.[$(1)]' && \
	echo "Installed in $$(($$(date +%s) - start)) s" || { \
		echo "The packages could not be installed. The first time needs the network."; exit 1; }
endef

run: $(VENV)/ready-run ## set up and run the demo: agents, prices, budgets, traces with their cost
	$(BIN)/llm-cost demo

serve: $(VENV)/ready-run ## set up and run the processor on its defaults
	$(BIN)/llm-cost serve

test: $(VENV)/ready check unit ## set up, check and test everything that needs no other program

check: $(VENV)/ready ## formatter, linter and types
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/mypy

unit: $(VENV)/ready ## all tests but the heavy ones and those that need other programs
	$(BIN)/pytest $(PARALLEL) -m 'not full and not heavy and not backend and not clients and not api'

test-full: $(VENV)/ready ## the laws of the ledger on SQLite in full, and what is heavy
	$(BIN)/pytest $(PARALLEL) -m 'full or heavy'

# The targets below build what they need into .cache/. Several tests look at one run of a program,
# so the tests of one module stay with one worker.
BY_MODULE = --numprocesses $(WORKERS) --dist loadscope

programs: $(VENV)/ready ## build all programs that the targets below need, once
	$(BIN)/python tests/build_programs.py

test-backends: $(VENV)/ready ## test in front of a real Collector, Jaeger and Phoenix
	$(BIN)/pytest $(BY_MODULE) -m backend tests/backends

test-deploy: $(VENV)/ready ## check what deploy/ ships with the tools of those who run it
	$(BIN)/pytest $(BY_MODULE) -m backend tests/deploy

test-api: $(VENV)/ready ## ask the HTTP API all that its description allows, and what it does not
	$(BIN)/pytest -m api tests/api

test-clients: $(VENV)/ready ## test with the spans of real SDKs, instrumentations and agents
	$(BIN)/pytest $(BY_MODULE) -m clients tests/clients

test-senders: $(VENV)/ready ## test with OTLP exporters of all languages
	$(BIN)/pytest $(BY_MODULE) -m clients tests/senders

# The benchmarks use what other tests use as well.
BENCH := PYTHONPATH=tests $(BIN)/python tests/bench
bench: $(VENV)/ready ## measure CPU per span beside a proxy that does nothing
	$(BENCH)/run.py

bench-overload: $(VENV)/ready ## three times what the backend takes, for 60 s: memory, goodput, a small sender
	$(BENCH)/overload.py

CALLS ?= 200000
bench-ledger: $(VENV)/ready ## a month of CALLS calls (200000 by default): bytes, turns, start, questions
	$(BENCH)/ledger_load.py --calls $(CALLS) $(if $(BEFORE),--before $(BEFORE))

bench-checks: $(VENV)/ready ## checks of budgets over HTTP, alone and beside batches
	$(BENCH)/budget_checks.py

bench-verify: $(VENV)/ready ## verify and back up a ledger of CALLS calls: CPU and memory
	$(BENCH)/ledger_verify.py --calls $(CALLS) $(if $(FULL),--full)

FUZZER := $(VENV)/ready-fuzz
$(FUZZER): tests/fuzz/requirements.txt $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

FUZZ_S ?= 300
fuzz: $(FUZZER) ## look for bytes that break a reader: every target for FUZZ_S seconds, 300 by default
	nice $(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_S)

fuzz-short: $(FUZZER) ## the same from a fixed seed, within 20 s
	$(BIN)/python tests/fuzz/run.py --short --runs 2000

KILLS ?= 200
CHAOS := $(BIN)/python tests/chaos/run.py
chaos: $(VENV)/ready ## kill the processor KILLS times (200 by default) amid traffic and long work; SEED=N repeats one
	$(CHAOS) --kills $(KILLS) $(if $(SEED),--seed $(SEED))

chaos-short: $(VENV)/ready ## the same from a fixed seed, ten kills
	$(CHAOS) --kills 10 --seed 20260101

chaos-notify: $(VENV)/ready ## kill it amid notifications, 50 times or KILLS=N, while channels fail; SEED=N repeats one
	$(BIN)/python tests/chaos/notifications.py --kills $(if $(filter command line,$(origin KILLS)),$(KILLS),50) \
		$(if $(SEED),--seed $(SEED))

format: $(VENV)/ready ## format, and fix what can be fixed
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

proto: $(VENV)/ready ## generate our own service's messages from proto/
	$(BIN)/python -m grpc_tools.protoc -Iprocessor/surfaces/grpc/generated=proto/llm_cost/v1 \
		--python_out=. --pyi_out=. processor/surfaces/grpc/generated/cost_service.proto

pictures: $(VENV)/ready ## draw the pictures of the documentation from what commands print
	PYTHONPATH=deploy $(BIN)/python -m release.pictures

RELEASER := $(VENV)/ready-release
$(RELEASER): deploy/release/requirements.txt $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

RELEASE = PYTHONPATH=deploy $(BIN)/python -m release $(if $(filter no,$(IMAGE)),--no-image) $(if $(DRY),--dry-run)
dist: $(RELEASER) ## wheel, sdist, image and sums of what is here, built twice and tried; IMAGE=no without image
	$(RELEASE)

release: $(RELEASER) ## the same of a new version: VERSION=1.0.0 is written into all files; DRY=1 keeps nothing
	@test -n "$(VERSION)" || { echo "Which version? make release VERSION=1.0.0"; exit 1; }
	$(RELEASE) --version $(VERSION)

clean: ## remove what make has made
	rm -rf $(VENV) .cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
