# Everything a person or CI types. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-ready
DEV_STAMP := $(VENV)/.dev-ready
JS_STAMP  := tests/clients/js/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-clients golden check format bench docs lock clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  \1\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Pointsman needs Python 3.11 or newer; run: make PYTHON=python3.11 …") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/run.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(DEV_STAMP) ## make .venv with the tool and everything its tests need, from locked, hashed dependencies

demo: $(RUN_STAMP) ## the whole story, offline and without a key; writes pages into demo/
	$(BIN)/pointsman demo

test: check ## all checks, then all tests but the slow ones
	$(BIN)/python -m pytest -m "not slow" -n auto --dist worksteal

test-slow: $(DEV_STAMP) ## the tests that take minutes: kill -9 rounds, coverage simulations, 100,000 cases
	$(BIN)/python -m pytest -m slow --timeout 1200

.venv-%/.ready: requirements/%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(JS_STAMP): tests/clients/js/package-lock.json
	cd tests/clients/js && npm ci --silent --no-audit --no-fund
	@touch $@

test-clients: $(DEV_STAMP) .venv-clients/.ready .venv-clients-held-back/.ready $(JS_STAMP) ## the SDKs people use, through the gateway; needs Node.js; writes docs/reference/clients.md
	PYTHONPATH=tests $(BIN)/python -m clients --write docs/reference/clients.md

golden: $(DEV_STAMP) ## write the golden files of translation anew; read the difference before you commit it
	PYTHONPATH=tests $(BIN)/python -m support.golden

check: $(DEV_STAMP) ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(DEV_STAMP) ## put the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV_STAMP) ## our own speed beside its peers; see benchmarks/README.md
	$(BIN)/python benchmarks/run.py

docs: $(DEV_STAMP) ## regenerate the reference pages from the code
	$(BIN)/python docs/generate.py

lock: $(DEV_STAMP) ## resolve the dependencies anew and write the lock files
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" --upgrade requirements/build.in pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" --upgrade --group dev --extra alerts --extra otel --extra parquet -c requirements/run.txt pyproject.toml requirements/build.in -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" --upgrade requirements/clients.in -o requirements/clients.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" --upgrade requirements/clients-held-back.in -o requirements/clients-held-back.txt

clean: ## remove the environment and what runs leave behind
	rm -rf $(VENV) .venv-clients* tests/clients/js/node_modules demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
