# The front door for commands. Everything below works on a bare Debian 12 or Ubuntu with a package index for Python.
VENV := .venv
BIN := $(VENV)/bin
# one more than processors: tests wait a third of their time for servers, tools and files
WORKERS ?= $(shell expr $$(nproc) + 1)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup accelerator demo test test-long check bench serve docs messages sbom upgrade-pins

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@python=$$(scripts/find-python --install) && $$python -m venv $(VENV)

# Run-time packages only: what the demo and a node need.
$(VENV)/.run-ready: $(BIN)/python requirements.txt pyproject.toml
	@echo "Installing the pinned packages into $(VENV) ..." >&2
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps -e .
	@touch $@

# Those and the tools of the tests.
$(VENV)/.dev-ready: $(VENV)/.run-ready requirements-dev.txt
	@echo "Installing the pinned test tools into $(VENV) ..." >&2
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# Optional: comparisons multiply by libsodium where no C compiler is.
$(VENV)/.accelerator-ready: $(VENV)/.dev-ready $(wildcard accelerator/*.* accelerator/src/*/*)
	@{ command -v $${CC:-cc} >/dev/null && \
	$(PIP) install --no-deps --no-build-isolation --force-reinstall ./accelerator && touch $@; } || \
	echo "The accelerator was not built (it needs a C compiler): comparisons multiply by libsodium alone." >&2

accelerator: $(VENV)/.dev-ready ## build the accelerator's wheel into dist/, for a node like this machine
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist ./accelerator

setup: $(VENV)/.dev-ready $(VENV)/.accelerator-ready ## make .venv with pinned, hashed packages, test tools included

demo: $(VENV)/.run-ready ## two nodes, a day of traffic, the whole data's way (ARGS="--lang ko --scale 0.1")
	@$(BIN)/seawall demo $(ARGS)

test: setup ## run the tests (ARGS="tests/match -k cidr")
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not long" $(ARGS)

test-long: setup ## run the tests that take long
	@$(BIN)/pytest -m long --timeout 3600 $(ARGS)

check: setup ## lint, format, types, import rules, catalogues up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/extract_messages.py --check

bench: setup ## measure every figure we publish
	@$(BIN)/python -m bench $(ARGS)

serve: $(VENV)/.run-ready ## run the node in ./seawall-node (or SEAWALL_NODE)
	@$(BIN)/seawall serve $(ARGS)

docs: setup ## write the generated reference pages anew
	@$(BIN)/python scripts/reference_pages.py

messages: setup ## collect the sentences of the program into the catalogues
	@$(BIN)/python scripts/extract_messages.py

sbom: setup ## write what the product is made of, with licences, to dist/sbom.cdx.json (CycloneDX)
	@mkdir -p dist && $(BIN)/python -m venv --clear .cache/runtime
	@.cache/runtime/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements.txt
	@$(BIN)/cyclonedx-py environment .cache/runtime/bin/python --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.cdx.json
	@echo "dist/sbom.cdx.json"

upgrade-pins: setup ## compute newer pins for both requirement files
	@scripts/upgrade-pins
