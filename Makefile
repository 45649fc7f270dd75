# Two commands do all the set-up on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3
PYTEST_ARGS ?=

.PHONY: run test check lint types contracts tests image-test bench chaos format migration clean

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

tests: $(VENV)/.tested $(VENV)/eb/.installed
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not benchmark and not image" $(PYTEST_ARGS)

image-test: $(VENV)/.tested  ## build the Dockerfile and use it as compose runs it; makes the base image where none can be pulled
	tests/docker/base_image.sh python:3.13-slim
	$(BIN)/pytest -n 0 -m image tests/docker/test_image.py

bench: $(VENV)/.tested  ## measure against peers; takes minutes
	$(BIN)/python -m tests.benchmarks

chaos: $(VENV)/.tested  ## kill -9 at random moments of a hundred deployments (five on the engine), at all of environments; takes half an hour
	ASHORE_CHAOS_SEEDS=100 ASHORE_CHAOS_ENGINE_SEEDS=5 ASHORE_CHAOS_EVERY=1 $(BIN)/pytest --dist load -n $(WORKERS) tests/chaos

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

# the EB CLI cannot live beside mypy: they want different versions of one library
$(VENV)/eb/.installed: pyproject.toml $(VENV)/.tested
	@$(BIN)/python -m venv $(VENV)/eb
	@$(VENV)/eb/bin/pip install --quiet --disable-pip-version-check 'awsebcli~=3.27.5'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
