# The two commands of the README are `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests
PYTEST_ARGS ?=
JOBS ?= 2

.PHONY: help venv tools programs demo demo-down test lint bench lock pages clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

venv: $(VENV)/.installed ## Make the environment .venv

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=")'
	@echo "Installing the Python environment into $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q $(VENV)/lib
	@touch $@

tools: venv ## Find or build the engine, the control plane and the plugins
	$(BIN)/kubefate tools --build

demo: venv ## Deploy a two-party federation with an exchange on a simulated site
	$(BIN)/kubefate demo up

demo-down: venv ## Take the demonstration down
	$(BIN)/kubefate demo down

lint: venv ## Check style, types and layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

programs: venv ## Install and fetch the programs that the tests run, where they are missing
	@tests/install-programs.sh
	@PYTHONPATH=tests $(BIN)/python -m dataplane.programs.homes

test: venv lint tools programs ## Run the tests; TESTS=tests/engine runs a part
	$(BIN)/pytest -n $(JOBS) $(TESTS) $(PYTEST_ARGS)

bench: venv programs ## Measure the budgets as ratios
	PYTHONPATH=tests $(BIN)/python -W ignore -m bench

lock: ## Resolve requirements.lock again
	uv pip compile pyproject.toml --extra test --extra lint --generate-hashes --no-header \
	  --python-version 3.11 --universal -q -o requirements.lock --constraint requirements.constraints

pages: venv ## Write the generated pages and JSON Schemas again
	$(BIN)/python -m kubefate_pulumi.config.schema
	$(BIN)/python -m kubefate_pulumi.fate.wire_page

clean: demo-down ## Remove the environment and the state of the simulated site
	rm -rf $(VENV) .kubefate
