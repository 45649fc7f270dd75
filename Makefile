# Two commands do all the set-up on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: run test check lint types contracts tests bench format migration clean

run: $(VENV)/.installed  ## start the emulator in the foreground with the demo preset
	@$(BIN)/ashore start --preset demo

test: check tests  ## every check and every test

check: lint types contracts

lint: $(VENV)/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.tested
	$(BIN)/mypy

contracts: $(VENV)/.tested
	$(BIN)/lint-imports

tests: $(VENV)/.tested
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not benchmark"

bench: $(VENV)/.tested  ## measure against peers; takes minutes
	$(BIN)/python -m tests.benchmarks.registry

format: $(VENV)/.tested
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

migration: $(VENV)/.tested  ## write the next migration from the tables: make migration MESSAGE="what changes"
	$(BIN)/python -m emulator.state.migrations "$(MESSAGE)"

$(VENV)/.installed: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Ashore into $(VENV) (first time: about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.tested: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Ashore and its test tools into $(VENV) (first time: about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
