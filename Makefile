# make play   a game in the terminal          make gtp    the engine on stdin/stdout, for a Go program
# make test   everything that CI checks       make check  the same without the slow tests
# make warm   compile the kernels             make clean  remove the environment and what was built
# (make -s -C FOLDER gtp from elsewhere: without -s, make itself talks on stdout)
#
# Options: make play ARGS="--size 9"    make test PYTEST="-k board"    make play PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
ARGS ?=
PYTEST ?=
# Whole files to each core: what a file's tests share is made once.
PARALLEL := --numprocesses auto --dist loadfile

KERNELS := gozero/jit.py $(wildcard gozero/_*.py engine/_*.py selfplay/_*.py training/_*.py)

.PHONY: play gtp warm test check lint wheel clean
.DEFAULT_GOAL := play
MAKEFLAGS += --no-print-directory

# Set-up talks on stderr and leaves stdin alone: both belong to the game, and to GTP nothing but replies may go to stdout.
play:
	@$(MAKE) warm 1>&2 </dev/null
	@exec $(BIN)/gozero play $(ARGS)

gtp:
	@$(MAKE) warm 1>&2 </dev/null
	@exec $(BIN)/gozero gtp $(ARGS)

warm: $(VENV)/.warm
	@:

$(VENV)/.python:
	@echo "gozero: making an environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gozero: needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "gozero: python3 cannot make environments; on Debian: apt install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.play: $(VENV)/.python pyproject.toml
	@echo "gozero: installing what playing needs (about a minute, 400 MB)"
	@$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.play
	@echo "gozero: installing what training and testing need (torch among it: some minutes)"
	@$(PIP) -e '.[train,dev]'
	@touch $@

$(VENV)/.warm: $(VENV)/.play $(KERNELS)
	@$(BIN)/gozero doctor --warm
	@touch $@

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 gozero engine gtp
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin gozero engine gtp
	$(BIN)/lint-imports

test: lint $(VENV)/.warm
	$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

check: lint $(VENV)/.warm
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" $(PYTEST)

wheel: $(VENV)/.dev
	@rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find gozero engine selfplay training gtp tests -name __pycache__ -type d -prune -exec rm -rf {} +
