# `make demo` trains a network on real images; `make test` runs the tests. Both set up what they need
# in .venv; all that is asked for is Python 3.11 or newer.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests run in several processes with one BLAS thread each; PyTorch is not given more than that.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

PARITY = $(ONE_THREAD) $(BIN)/python -m pytest -q -n auto -m parity --junitxml=$(VENV)/parity.xml

.PHONY: help demo test parity coverage accelerated bench lint format clean

help:
	@echo "make demo    train LeNet on Fashion-MNIST and draw what happened"
	@echo "make test    run the tests (without PyTorch)"
	@echo "make parity  install PyTorch (CPU) and compare with it"
	@echo "make coverage  the same, and write docs/coverage.md: how much of PyTorch is here"
	@echo "make accelerated  install Numba and test with compiled kernels"
	@echo "make bench   install PyTorch (CPU) and Numba, and time the three; about 20 minutes"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make format  format the code"
	@echo "make clean   remove $(VENV) and caches"

demo: $(VENV)/.demo
	$(BIN)/penlight train

test: $(VENV)/.test
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n auto -m "not parity"

parity: $(VENV)/.parity
	$(PARITY)
	$(BIN)/python -m api_coverage --check $(VENV)/parity.xml

coverage: $(VENV)/.parity
	$(PARITY)
	$(BIN)/python -m api_coverage $(VENV)/parity.xml

accelerated: $(VENV)/.accelerated
	PENLIGHT_KERNELS=numba $(ONE_THREAD) $(BIN)/python -m pytest -q -n auto -k "compiled or numba or conv or pool or norm or relu" \
		tests/kernels/test_compiled.py tests/core/test_numba_backend.py tests/test_modules.py

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.lint
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

$(VENV)/.pip:
	@test -n "$(PYTHON)" || { echo "Penlight needs Python 3.11 or newer; found none. Install it, or run: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"  # the first that knows --group
	@touch $@

$(VENV)/.demo: $(VENV)/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[all]"
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(VENV)/.parity: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group parity
	@touch $@

$(VENV)/.accelerated: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable ".[numba]"
	@touch $@

$(VENV)/.bench: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --editable ".[numba]" --group bench
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group lint
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
