# make demo | demo-users | test | check | docs | screenshots | bench | crashtest | lock ; see README.md

# A system interpreter first: Unix users other than yours must be able to run it (demo-users, acceptance tests).
PYTHON ?= $(firstword $(wildcard /usr/bin/python3.11 /usr/bin/python3.12 /usr/bin/python3.13) python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo demo-users test check format lint types layers tests docs screenshots bench crashtest lock clean

demo: $(VENV)/.ready
	$(BIN)/niassa-orch demo

demo-users: $(VENV)/.ready
	$(BIN)/niassa-orch demo --users

test: $(VENV)/.ready-dev
	$(BIN)/pytest

check: format lint types layers tests

format: $(VENV)/.ready-dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .

types: $(VENV)/.ready-dev
	$(BIN)/mypy

layers: $(VENV)/.ready-dev
	$(BIN)/lint-imports

tests: $(VENV)/.ready-dev
	$(BIN)/pytest -n 3 --dist worksteal --cov --cov-report=term:skip-covered

# The table of keys in docs/accounts.md, from the models; that of metrics, and the dashboard of Grafana.
docs: $(VENV)/.ready-dev
	$(BIN)/python -m tests.documents.accounts_page
	$(BIN)/python -m tests.documents.grafana
	$(BIN)/python -m tests.documents.monitoring_page

# The pictures of the dashboard in docs/pictures, from a sandbox; half a minute.
screenshots: $(VENV)/.ready-dev
	$(BIN)/python -m tests.documents.screenshots

# Together some quarter of an hour; each benchmark says how to run it larger.
bench: $(VENV)/.ready-dev
	@for name in $(basename $(notdir $(wildcard tests/benchmarks/bench_*.py))); do echo "== $$name"; $(BIN)/python -m tests.benchmarks.$$name || exit 1; done

# Kills the service at named points and at random moments: make crashtest CRASHES=2000 SEED=7 (a seed of its own without).
CRASHES ?= 200
SEED ?=

crashtest: $(VENV)/.ready-dev
	CRASHES=$(CRASHES) SEED=$(SEED) $(BIN)/pytest -q -s -m crashes tests/acceptance/test_crashes.py tests/acceptance/test_killed_calls.py

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "make: there is no $(PYTHON) here; install Python 3.11 (on Debian: apt-get install python3 python3-venv) or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; install Python 3.11 or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "make: $(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.ready: $(VENV)/.made pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.made pyproject.toml requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements-dev.lock --editable '.[dev]'
	@touch $@ $(VENV)/.ready

# The newest versions that the lower bounds of pyproject.toml allow, tried together.
lock: $(VENV)/.made
	rm -rf $(VENV)/lock && $(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(VENV)/lock/bin/pip freeze --exclude-editable > requirements-dev.lock
	rm -rf $(VENV)/lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
