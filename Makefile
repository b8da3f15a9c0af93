# make run    sets everything up and shows the processor at work on a small agent application
# make test   sets everything up and passes the tests
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$python >/dev/null 2>&1 \
	&& $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
CHECKED := processor tests

.DEFAULT_GOAL := help
.PHONY: help run serve test check format unit bench test-backends test-clients proto clean

help: ## show what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# An editable installation warns of itself, at length, in what should be a user's first quiet minute.
$(VENV)/ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; set PYTHON=/path/to/it"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(VENV)/ready ## set up and run the demo: agents, prices, budgets, traces with their cost
	$(BIN)/llm-cost demo

serve: $(VENV)/ready ## set up and run the processor on its defaults
	$(BIN)/llm-cost serve

test: $(VENV)/ready check unit ## set up, check and test everything that needs no other program

check: $(VENV)/ready ## formatter, linter and types
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/mypy

unit: $(VENV)/ready ## all tests but those with real backends and real clients
	$(BIN)/pytest -m 'not backend and not clients'

test-backends: $(VENV)/ready ## build real backends into .cache/ and test against them
	$(BIN)/pytest -m backend

test-clients: $(VENV)/ready ## install real clients into .cache/ and test with their spans
	$(BIN)/pytest -m clients

bench: $(VENV)/ready ## measure CPU per span beside a proxy that does nothing
	$(BIN)/python tests/bench/run.py

format: $(VENV)/ready ## format and mend what can be mended
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

proto: $(VENV)/ready ## generate our own service's messages from proto/
	$(BIN)/python -m grpc_tools.protoc -Iprocessor/surfaces/grpc/generated=proto/llm_cost/v1 \
		--python_out=. --pyi_out=. processor/surfaces/grpc/generated/cost_service.proto

clean: ## remove what make has made
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
