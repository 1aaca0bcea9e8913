# The one door: `make demo` shows osak at work, `make test` proves it, `make bench` measures it.
# Needs Python 3.11 or newer (with venv) and make; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Files for `make demo FILES="a.pdf b.docx"`; without any, the demo takes some of this repository's.
FILES ?=
PYTEST_FLAGS ?= -n auto --dist loadgroup
# Some tests for `make tests TESTS="tests/node -x"`; the bars of coverage are for all of them.
TESTS ?=

.PHONY: demo test bench schemas reference format lint types contracts tests clean

demo: $(VENV)/.demo
	$(BIN)/osak demo $(FILES)

test: lint types contracts tests

bench: $(VENV)/.dev
	$(BIN)/python tests/bench/run.py $(BENCH)

# After settings have changed: what editors check YAML against.
schemas: $(VENV)/.dev
	$(BIN)/python tests/architecture/schemas.py

# After a command's options or help have changed: docs/cli.md. After the chart's values have: the table in its README.
reference: $(VENV)/.dev
	$(BIN)/python tests/architecture/cli_reference.py
	$(BIN)/python tests/architecture/chart_values.py

# Changes files: run it before a commit.
format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/mypy tests
	$(BIN)/mypy helm/osak-node/files/try_share.py

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

# The whole code is covered; shares/ and client/container/ hold what must not fail, so they have a bar of their own.
tests: $(VENV)/.dev
ifneq ($(TESTS),)
	$(BIN)/pytest $(PYTEST_FLAGS) $(TESTS)
else
	$(BIN)/pytest $(PYTEST_FLAGS) --cov --cov-report=
	$(BIN)/coverage report --skip-covered --show-missing --fail-under=85
	$(BIN)/coverage report --include='shares/*' --fail-under=90 --format=total
	$(BIN)/coverage report --include='client/container/*' --omit='*/container/fbs/*' --fail-under=90 --format=total
endif

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "osak needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[node]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) dist build .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
