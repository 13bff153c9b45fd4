# Bursar: every command of this checkout. `make help` lists them.
#
# All set-up is done by the targets themselves and remembered by stamps inside `.venv` and
# `console/node_modules`, so deleting either folder is a clean start and a second run costs a second.
# Recipes name relative paths only, so the checkout may lie in a folder with spaces.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Node and npm come from the pinned wheel in .venv, never from the machine.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PY := .venv/bin/python
PIP_INSTALL := $(PY) -m pip install --quiet --quiet
NPM := .venv/bin/npm --prefix console --no-fund --no-audit --no-update-notifier
PYTHON_SOURCES := src tests scripts hatch_build.py

# A moved or copied checkout carries a virtual environment that points to the old place: make it anew.
ifneq ($(shell cat .venv/made-in 2>/dev/null),$(shell pwd))
VENV_IS_STALE := venv-is-stale
endif

# What the build hook of the package looks at: a change of any of these builds the console again.
CONSOLE_SOURCES := $(wildcard openapi.json hatch_build.py) $(shell find console -type f \
    ! -path 'console/node_modules/*' ! -path 'console/dist/*' ! -name '*.tsbuildinfo' ! -name 'schema.d.ts' 2>/dev/null)

.PHONY: help
help: ## List every target.
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# ---------------------------------------------------------------- run it

.PHONY: demo
demo: .venv/ready-to-run ## Start Bursar with a demo organisation on http://127.0.0.1:8000 (options: ARGS="--help").
	@exec .venv/bin/bursar demo $(ARGS)

.PHONY: serve
serve: .venv/ready-to-run ## Start Bursar for real; the first start asks for the super admin (options: ARGS="--help").
	@exec .venv/bin/bursar serve $(ARGS)

.PHONY: verify
verify: .venv/ready-to-run ## Recompute every invariant of the books on the live data (options: ARGS="--help").
	@exec .venv/bin/bursar verify $(ARGS)

# ---------------------------------------------------------------- prove it

.PHONY: test
test: .venv/ready-to-develop console/node_modules/ready browser ## Run the whole suite: the console's unit tests, then pytest (options: ARGS="-k holds").
	@outcome=0; \
	    $(NPM) test || { outcome=$$?; echo "The console's unit tests FAILED; pytest runs all the same."; }; \
	    $(PY) -m pytest -n 2 --dist worksteal $(ARGS) || outcome=$$?; \
	    exit $$outcome

.PHONY: check
check: .venv/ready-to-develop console/node_modules/ready ## Check format, lint, types and layers of Python and console; changes nothing.
	@$(MAKE) --keep-going check-format check-lint check-types check-layers check-console
	@echo "Everything checked."

.PHONY: check-format check-lint check-types check-layers check-console
check-format:
	@$(PY) -m ruff format --check --quiet $(PYTHON_SOURCES) || { echo "hint: make format"; exit 1; }
check-lint:
	@$(PY) -m ruff check --quiet $(PYTHON_SOURCES)
check-types:
	@$(PY) -m mypy
check-layers:
	@.venv/bin/lint-imports --no-logo
check-console:
	@$(NPM) run --silent check

.PHONY: crash
crash: .venv/ready-to-develop ## Kill Bursar and PostgreSQL over and over and look for a lost or doubled command (minutes).
	@$(PY) -m pytest tests/ledger/crash --long $(ARGS)

.PHONY: mutants
mutants: .venv/ready-to-develop ## Plant each named fault into the ledger and print which test caught it (minutes).
	@$(PY) -m tests.mutants $(ARGS)

.PHONY: fuzz
fuzz: .venv/ready-to-develop ## Try every route in every role with what fits its contract and what does not (minutes).
	@BURSAR_FUZZ_EXAMPLES=100 $(PY) -m pytest tests/contract -n 2 $(ARGS)

.PHONY: bench-search
bench-search: .venv/ready-to-develop ## Measure searches among 100 000 members and write them into docs/concepts/performance.md (a minute).
	@$(PY) -m tests.load.search $(ARGS)

.PHONY: bench-figures
bench-figures: .venv/ready-to-develop ## Measure the figures of a tenant with 100 000 members and write them there too (minutes).
	@$(PY) -m tests.load.figures $(ARGS)

.PHONY: bench-batches
bench-batches: .venv/ready-to-develop ## Measure a batch to 100 000 members beside calls and write it into docs/concepts/performance.md (a minute).
	@$(PY) -m tests.load.batches $(ARGS)

.PHONY: bench-gateway
bench-gateway: .venv/ready-to-develop ## Measure calls through the gateway beside their provider and write them there too (minutes).
	@$(PY) -m tests.load.gateway $(ARGS)

.PHONY: bench
bench: .venv/ready-to-develop ## Measure the ledger beside pgbench and write docs/concepts/performance.md (minutes).
	@$(PY) -m tests.load.bench $(ARGS)

# ---------------------------------------------------------------- work on it

.PHONY: format
format: .venv/ready-to-develop console/node_modules/ready ## Format Python and console, and mend what the linters can mend.
	@$(PY) -m ruff check --quiet --fix $(PYTHON_SOURCES) || true
	@$(PY) -m ruff format --quiet $(PYTHON_SOURCES)
	@$(NPM) run --silent format

.PHONY: rule
rule: .venv/ready-to-develop ## Print a rule with the code that decides and the tests that hold it: make rule id=ALLOC-4.
	@$(PY) -m scripts.rule "$(id)"

.PHONY: docs
docs: .venv/ready-to-develop ## Write the generated pages of docs/reference anew.
	@$(PY) -m scripts.reference

.PHONY: openapi
openapi: .venv/ready-to-develop ## Write openapi.json, the contract of the management API, anew.
	@.venv/bin/bursar openapi > openapi.json.new && mv openapi.json.new openapi.json

.PHONY: lock
lock: .venv/ready-to-develop ## Make both requirements locks anew from pyproject.toml (newer versions: ARGS=--upgrade).
	@$(LOCK) $(ARGS) pyproject.toml --output-file requirements.lock
	@$(LOCK) $(ARGS) pyproject.toml --group dev --output-file requirements-dev.lock

LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
    --no-emit-index-url --no-emit-find-links

.PHONY: clean
clean: ## Remove everything the other targets made; the data of Bursar stays.
	@rm -rf .venv console/node_modules console/dist src/bursar/_console console/src/api/schema.d.ts build dist \
	    .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- set-up, remembered by stamps

.PHONY: venv-is-stale
venv-is-stale:

.venv/made-in: $(VENV_IS_STALE)
	@scripts/make-venv

# What it takes to run. A checkout that is ready to develop is ready to run, so the demo never shrinks it.
.venv/ready-to-run: .venv/made-in requirements.lock pyproject.toml $(CONSOLE_SOURCES)
	@echo "Installing what Bursar needs ..."
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@echo "Building the console and installing Bursar ..."
	@$(PIP_INSTALL) --no-deps -e .
	@touch $@

.venv/ready-to-develop: .venv/ready-to-run requirements-dev.lock
	@echo "Installing what the tests and checks need ..."
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

# The build hook may install the console's packages without those for tests, hence after the package.
console/node_modules/ready: console/package.json console/package-lock.json .venv/ready-to-develop
	@echo "Installing what the console's tests and checks need ..."
	@$(NPM) ci --silent --prefer-offline
	@touch $@

.PHONY: browser
browser:
	@scripts/need-browser
