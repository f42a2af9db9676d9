# Every command explains itself: make help
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Benchmarks have an environment of their own: a library they compare with wants another numpy.
BENCH := .venv-bench/bin
# uv where it is there, because it is quick; pip everywhere else.
UV := $(shell command -v uv 2>/dev/null)

# Tests on all processors: each has a database, a browser and a PostgreSQL of its own.
SPREAD := -n auto --dist worksteal

.PHONY: help install run test test-sqlite test-postgresql lint bench screenshots translations lock vendor clean

help: ## Say what each command does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(BIN)/.installed ## Set up .venv with the tiebreak command

run: install ## Serve the demo project on http://127.0.0.1:8000
	@$(BIN)/tiebreak demo

test: $(BIN)/.installed-test $(BIN)/.browser $(BIN)/.postgresql ## Run the whole suite on SQLite and on PostgreSQL
	@$(MAKE) --no-print-directory test-sqlite test-postgresql

test-sqlite: $(BIN)/.installed-test
	$(BIN)/python -m pytest $(SPREAD)

test-postgresql: $(BIN)/.installed-test
	$(BIN)/python -m pytest $(SPREAD) --database postgresql -m "not browser"

lint: $(BIN)/.installed-test ## Check style, types and the import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BENCH)/.installed ## Measure speed, as ratios in one run
	$(BENCH)/python -m benchmarks

screenshots: $(BIN)/.installed-test $(BIN)/.browser ## Take the pictures of the README from the running app
	$(BIN)/python -m scripts.screenshots

lock: ## Resolve the dependencies again (needs uv)
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --extra build pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --extra build --extra test -c requirements.lock pyproject.toml -o requirements-test.lock
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --extra build --extra test --extra bench pyproject.toml -o requirements-bench.lock

translations: $(BIN)/.installed-test ## Bring the catalogues of app/translations up to date and compile them
	$(BIN)/python -m scripts.translations

vendor: ## Fetch the pinned front-end libraries again (needs npm)
	$(PYTHON) scripts/vendor.py

clean: ## Remove everything made here, the data folder excepted
	rm -rf .venv .venv-bench build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python $(BENCH)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed (found $$($(PYTHON) --version 2>&1))."; exit 1; }
	@$(PYTHON) -m venv $(if $(UV),--without-pip) $(@:/bin/python=) \
		|| { echo "Python's venv module is missing (Debian: apt-get install python3-venv)."; rm -rf $(@:/bin/python=); exit 1; }

# The stamp files make the second time instant; a changed lock file installs again.
define install_lock
	@echo "Installing from $(1) …"
	@$(if $(UV),uv pip install -q --python $(@D)/python,$(@D)/python -m pip install -q --disable-pip-version-check) \
		--require-hashes -r $(1)
	@$(if $(UV),uv pip install -q --python $(@D)/python,$(@D)/python -m pip install -q --disable-pip-version-check) \
		--no-deps --no-build-isolation -e .
	@touch $@
endef

$(BIN)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	$(call install_lock,requirements.lock)

$(BIN)/.installed-test: requirements-test.lock pyproject.toml | $(BIN)/python
	$(call install_lock,requirements-test.lock)
	@touch $(BIN)/.installed

$(BENCH)/.installed: requirements-bench.lock pyproject.toml | $(BENCH)/python
	$(call install_lock,requirements-bench.lock)

$(BIN)/.browser: | $(BIN)/.installed-test
	@$(BIN)/python -m scripts.browser && touch $@

$(BIN)/.postgresql: | $(BIN)/.installed-test
	@$(BIN)/python -m scripts.postgresql && touch $@
