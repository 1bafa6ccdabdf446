# Every target works on a fresh machine that has Python 3.11 and make: each one sets up what it needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test crash proof verify check format lab clean

help: ## print these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: $(READY) ## make .venv from the hashed lock; nothing is installed outside it

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: setup ## build the demo client, run its study, say which page to open
	$(BIN)/cxlab demo

test: setup ## run the tests (doctests included)
	$(BIN)/python -m pytest -n auto

crash: setup ## kill and refuse runs at every event, a reader looking on: the long version of what `test` does
	PYTHONPATH=tests $(BIN)/python -m crash

proof: setup ## the simulations with 2,000 replications instead of 200
	CXLAB_REPLICATIONS=2000 $(BIN)/python -m pytest -n auto -m simulation

verify: setup ## run every notebook in ten surroundings (workers, date, zone, locale, folder...): same bytes, or where not
	$(BIN)/python tests/same_bytes.py

check: setup ## ruff, and mypy strict on the package
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## rewrite code and notebooks in the house format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/nbstripout notebooks/*.ipynb

lab: setup ## JupyterLab on the notebooks with a form of their parameters, on this machine only
	$(BIN)/cxlab lab

clean: ## remove what was built (never a client's raw files)
	rm -rf reports/built .pytest_cache .mypy_cache .ruff_cache
