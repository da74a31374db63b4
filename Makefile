# setup: a virtual environment with the locked dependencies; demo: a project with invented data; test: every check.
.PHONY: setup demo test lock

PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
BIN := .venv/bin
PYTEST_ARGS ?= -n auto
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
STAMP := .venv/.locked

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --no-deps --require-hashes -r requirements.lock
	$(PIP) install --no-deps -e .
	@touch $@

demo: setup
	$(BIN)/mdm demo demo --force

test: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	@$(BIN)/pytest $(PYTEST_ARGS)

lock:
	uv pip compile --all-extras --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 -o requirements.lock pyproject.toml
