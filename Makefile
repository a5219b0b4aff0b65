# Two commands: `make demo` and `make test`. Each sets up what it needs on a machine with Python and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
export DGLBACKEND := pytorch
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-8s %s\n", $$1, $$2}'

.tools/bin/uv:
	python3 -m venv .tools 2>/dev/null || python3 -m pip install --quiet --target .tools/lib virtualenv && test -x .tools/bin/python || PYTHONPATH=.tools/lib python3 -m virtualenv --quiet .tools
	.tools/bin/python -m pip install --quiet uv

# The environment is made anew when the lock or the project changes, and in a second when neither did.
.venv/.made: requirements.lock pyproject.toml | $(UV)
	test -x $(PY) || $(UV) venv --quiet --python '>=3.10,<3.12' .venv
	$(UV) pip install --quiet --python $(PY) -r requirements.lock
	$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	touch $@

setup: .venv/.made  ## the environment in .venv

demo: .venv/.made  ## the whole loop on public data: ingest, train, promote, query
	.venv/bin/cli demo

test: .venv/.made  ## lint, types and every test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(PY) -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile $(TESTS)

bench: .venv/.made  ## the main loop's figures, as JSON
	$(PY) -m benchmarks.main_loop --format json

lock: | $(UV)  ## requirements.lock from pyproject.toml, without addresses
	$(UV) pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --extra dev --no-emit-index-url --no-annotate --no-header pyproject.toml --output-file requirements.lock

wheel: .venv/.made  ## a wheel with the kernels prebuilt for this processor's kind, in dist/
	rm -rf model/kernels/cpu/prebuilt build
	$(PY) -m pharmagraph.model.kernels.build
	$(UV) build --quiet --wheel --no-build-isolation --python $(PY)

clean:  ## remove the environment and caches, keep data and graphs
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache build *.egg-info

.PHONY: help setup demo test bench lock wheel clean
