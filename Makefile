# The two commands of the README are `make demo` and `make test`; both make what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A second environment with the oldest IPython that is supported: the cell hooks are tested in both.
VENV8 := .venv-ipython8
# A third one for the benchmarks, since MLflow asks for versions of its own.
VENV_BENCH := $(VENV)-bench
VENV_INTEROP := .venv-interop
EXAMPLES := $(wildcard example_notebooks/*.ipynb)
BUILD := build/demo
JOBS ?= 2

.PHONY: demo test lint types contract unit ipython8 interop bench clean

demo: $(VENV)/.demo
	@rm -rf $(BUILD) && mkdir -p $(BUILD)
	@for notebook in $(EXAMPLES); do \
	  echo "executing $$notebook"; \
	  cp $$notebook $(BUILD)/ && (cd $(BUILD) && ../../$(BIN)/jupyter nbconvert --to notebook --execute --inplace --log-level WARN $$(basename $$notebook)) || exit 1; \
	done
	@cd $(BUILD) && ../../$(BIN)/nbtrack runs list
	@cd $(BUILD) && ../../$(BIN)/nbtrack runs best auc --experiment breast-cancer
	@echo "The executed notebooks, with the cards under their cells, and the store are in $(BUILD)."
	@echo "Open them:  $(BIN)/jupyter lab $(BUILD)"

test: lint types contract unit ipython8 interop
	@echo "all tests passed"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contract: $(VENV)/.dev
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

# What depends on the version of IPython, again under IPython 8.
ipython8: $(VENV8)/.dev
	$(VENV8)/bin/python -m pytest -n $(JOBS) tests/notebook

# What needs MLflow, or libraries that not everybody has: models both ways, and autologging.
interop: $(VENV_INTEROP)/.dev
	$(VENV_INTEROP)/bin/python -m pytest -n $(JOBS) tests/interop tests/models tests/autologging

# nbtrack beside raw sqlite3 and MLflow: make bench BENCH="latency search --quick"
bench: $(VENV_BENCH)/.bench
	$(VENV_BENCH)/bin/python -m tests.benchmarks $(BENCH)

clean:
	rm -rf $(VENV) $(VENV8) $(VENV_INTEROP) $(VENV_BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev,demo]'
	touch $@

$(VENV8)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV8)
	$(VENV8)/bin/python -m pip install --quiet --upgrade pip
	$(VENV8)/bin/python -m pip install --quiet --editable '.[test]' 'ipython>=8.12,<9' 'ipykernel>=6.29,<7'
	touch $@

$(VENV_INTEROP)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV_INTEROP)
	$(VENV_INTEROP)/bin/python -m pip install --quiet --upgrade pip
	$(VENV_INTEROP)/bin/python -m pip install --quiet --editable '.[interop]'
	touch $@

$(VENV_BENCH)/.bench: pyproject.toml
	$(PYTHON) -m venv $(VENV_BENCH)
	$(VENV_BENCH)/bin/python -m pip install --quiet --upgrade pip
	$(VENV_BENCH)/bin/python -m pip install --quiet --editable '.[bench]'
	touch $@
