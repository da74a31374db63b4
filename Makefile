# setup: a virtual environment with the locked dependencies; demo: a project with invented data; test: every check.
.PHONY: setup demo test lock browser

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

# The browser tests drive Debian's Chromium, with fonts for the scripts of the test data; root may install them.
browser:
	@test -x /usr/bin/chromium && test -d /usr/share/fonts/truetype/noto || test "$$(id -u)" != 0 || \
		{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
		chromium fonts-noto-core >/dev/null; }

test: setup browser
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	@$(BIN)/pytest $(PYTEST_ARGS)

lock:
	uv pip compile --all-extras --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 -o requirements.lock pyproject.toml
