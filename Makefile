# `make demo` and `make test` need nothing but python3 (3.11 or later) and a network for packages.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Where Python may not keep what it compiled, every process compiles all libraries anew: 4 s each.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-fast test-peers compiled lint ui bench docs lock clean

demo: $(VENV)/.installed
	$(BIN)/c2s demo

ui: $(VENV)/.installed
	$(BIN)/c2s ui

# In four processes for two cores, because five files mostly wait for a daemon or a browser, and begin; a file's
# tests share what was built for them.
test: $(VENV)/.compiled
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder --durations 15

test-fast: $(VENV)/.compiled
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not peers"

# Cell2Sentence, annbatch, cell-load, mlcroissant, PyTorch and spatialdata are not installed for that: run it where they are.
test-peers: $(VENV)/.installed
	$(BIN)/pytest -m peers

compiled: $(VENV)/.compiled

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# ARGS=--large adds 200,000 and 1,000,000 cells.
bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks.run $(ARGS)

# uv installs the 110 packages in 5 s, pip takes 40 s.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("$(PYTHON) is Python %d.%d, and c2s_assets needs 3.11 or later. Name another one: make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

# Finding all tests and building one dataset compiles modules and kernels: once, in one process, rather than at the
# same time in each process of the tests and in those that they start.
$(VENV)/.compiled: $(VENV)/.installed
	$(BIN)/pytest -k test_a_toy_dataset_is_built_whole
	touch $@

# docs/tables.md says of every column what the code declares.
docs: $(VENV)/.installed
	$(BIN)/python -c "from c2s_assets.schemas.documentation import tables_page; print(tables_page(), end='')" > docs/tables.md

lock: $(VENV)/.installed
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --no-strip-extras --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV)
