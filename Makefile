# Two commands need nothing prepared: `make run` and `make test`. They want a Python of 3.11 or later, and make.
UV_VERSION := 0.13.9
export UV_PYTHON_DOWNLOADS := never

# The first of these that is there and new enough; PYTHON=... chooses another.
PYTHONS := python3.13 python3.12 python3.11 python3
PYTHON ?= $(shell for each in $(PYTHONS); do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)

BIN := .venv/bin
LOCK := $(BIN)/uv pip compile --quiet pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header

.DEFAULT_GOAL := help
.PHONY: help run test lint lock bench audit clean reset

help: ## tell what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.ok ## start everything on this machine; Ctrl-C stops it
	@$(BIN)/prorata dev

test: lint ## run all checks and tests
	$(BIN)/pytest -n 2

lint: .venv/.ok ## check format, style, types and imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

lock: .venv/.ok ## renew both lock files; UPGRADE=--upgrade moves the versions
	$(LOCK) $(UPGRADE) --all-extras --group dev --output-file requirements.lock
	$(LOCK) --extra tracing --constraints requirements.lock --output-file requirements.deploy.lock

bench: .venv/.ok ## measure each workload
	@for each in ingest close dashboard; do echo "== $$each"; $(BIN)/python -m benchmarks.$$each || exit 1; done

audit: .venv/.ok ## have programs of others judge the API; wants npm and some minutes
	@$(BIN)/python -m tests.audit

clean: ## remove what can be made again; the development data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

reset: ## remove the development data
	@for each in .data/postgres .data/valkey; do if [ -L $$each ]; then rm -rf "$$(readlink -f $$each)"; fi; done
	rm -rf .data

.venv/.ok: pyproject.toml requirements.lock
	@test -n '$(PYTHON)' || { echo 'Prorata needs Python 3.11 or later; this is '"$$(python3 --version 2>&1)"'.' \
		'Install a newer one, or name it: make PYTHON=/path/to/python'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
		|| { echo 'This Python cannot make virtual environments; on Debian and Ubuntu, install python3-venv.'; \
		rm -rf .venv; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@
