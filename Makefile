# Everything happens in an environment of its own, $(VENV), and nothing outside this folder is touched.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
export PIP_CACHE_DIR = $(CURDIR)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK = 1
SOURCES = pyproject.toml README.md $(wildcard ecr_credhelper/*.py)

.PHONY: demo test lint e2e bench installers clean
.DEFAULT_GOAL := test

demo: $(VENV)/installed ## the real executable against a fake ECR API on loopback
	@$(BIN)/python -m tests.demo

test: $(VENV)/test ## the whole suite
	$(BIN)/python -m pytest --cov --numprocesses auto

lint: $(VENV)/lint ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tests/outside/check.py

e2e: $(VENV)/e2e ## real engines, registries and clients; wants root and the packages that .ci/run installs
	$(BIN)/python -m tests.e2e

bench: $(VENV)/bench ## speed, as ratios: writes the table and the plot of docs/explanation/speed.md
	$(BIN)/python -m benchmarks $(BENCH)

installers: $(VENV)/installed ## pip, pipx and uv, each in a throw-away home
	$(BIN)/python -m tests.installers

clean:
	rm -rf .venv* .cache

$(VENV)/installed: $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11; say which to take: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv module; on Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.2'
	@$(BIN)/python -m pip install --quiet .
	@touch $@

$(VENV)/test $(VENV)/lint $(VENV)/e2e $(VENV)/bench: $(VENV)/%: $(VENV)/installed
	@$(BIN)/python -m pip install --quiet --group $*
	@touch $@
