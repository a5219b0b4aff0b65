# Two commands: `make demo` and `make test`. Each sets up what it needs on a machine with Python and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
export DGLBACKEND := pytorch
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# uv trusts the certificates that the machine trusts, a company's proxy among them; older versions read the second name
export UV_SYSTEM_CERTS := true
export UV_NATIVE_TLS := true
# where this is set to 1, each of the hundreds of processes that tests start would compile torch's Python again
export PYTHONDONTWRITEBYTECODE :=
# threads that wait for work sleep, since tests run side by side; results are the same to the last bit
test: export OMP_WAIT_POLICY := PASSIVE
# `make test` checks lint, types and everything on the main Python, and the unit tests and commands on 3.13;
# PYTHONS=3.11 leaves the latter out. On 3.13 the tests marked `once` are left out, which train or compile for seconds and
# whose outcome no Python decides; screens are still ingested, trained on, asked and exported there, presets fast and
# default are fitted, and tests/integration/test_interpreters.py trains one seed on both.
PYTHONS ?= 3.11 3.13
ON_3.13 := tests/unit tests/cli
NOT_ON_3.13 := not dgl and not once
CODE := kg ingest model cypher workflow explorer assistant supply_chain benchmarks docs cli.py \
	$(wildcard pharmagraph/*.py)
# a file at a time to each worker, the longest first (tests/conftest.py); the slowest tests are named at the end. Two workers
# a core, for half of their time they wait for servers, browsers and commands that they start.
WORKERS := $(shell python3 -c 'import os; print(min(4, 2 * (os.cpu_count() or 1)))')
PYTEST := -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 40
# pyenv's python3.13 on the PATH fails unless that version is chosen, and uv takes that for an answer
SEARCH := PATH="$(subst $() ,:,$(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/*/bin)):$$PATH"

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-8s %s\n", $$1, $$2}'

.tools/bin/uv:
	python3 -m venv .tools 2>/dev/null || python3 -m pip install --quiet --target .tools/lib virtualenv && test -x .tools/bin/python || PYTHONPATH=.tools/lib python3 -m virtualenv --quiet .tools
	.tools/bin/python -m pip install --quiet uv

# An environment is made anew when the lock or the project changes, and in a second when neither did.
# 3.11 is the main Python where the machine has it, for it has DGL; any other is fetched only where none is found.
.venv/.made: requirements.lock pyproject.toml | $(UV)
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { rm -rf .venv && \
		$(SEARCH) $(UV) venv --quiet --no-python-downloads --python 3.11 .venv 2>/dev/null || \
		$(SEARCH) $(UV) venv --quiet --python '>=3.11,<3.14' .venv; }
	$(call install,.venv)

.venv313/.made: requirements.lock pyproject.toml | $(UV)
	@test -x .venv313/bin/python || $(SEARCH) $(UV) venv --quiet --python 3.13 .venv313
	$(call install,.venv313)

define install
	$(UV) pip install --quiet --python $(1)/bin/python -r requirements.lock
	$(UV) pip install --quiet --python $(1)/bin/python --no-deps --no-build-isolation --editable .
	touch $(1)/.made
endef

setup: .venv/.made  ## the environment in .venv

demo: .venv/.made  ## the whole loop on public data: ingest, train, promote, query
	.venv/bin/cli demo

test: .venv/.made browser $(if $(filter 3.13,$(PYTHONS)),with-3.13)  ## lint, types and every test
	@$(MAKE) --no-print-directory lint
	@echo "types are checked beside the tests: .venv/bin/mypy"; said=$$(mktemp); .venv/bin/mypy > $$said & types=$$!; \
	$(PY) $(PYTEST) -m "$$($(PY) -c 'import sys; print("" if sys.version_info < (3, 12) else "not dgl")')" $(TESTS); \
	tests=$$?; wait $$types; types=$$?; cat $$said; rm $$said; exit $$((tests | types))
ifneq ($(filter 3.13,$(PYTHONS)),)
	test ! -e .venv313/.made || .venv313/bin/python $(PYTEST) -m "$(NOT_ON_3.13)" $(or $(TESTS),$(ON_3.13))
endif

lint: .venv/.made  ## style, format, and what is risky in the code
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/bandit --quiet --recursive --configfile pyproject.toml $(CODE)
	.venv/bin/hadolint Dockerfile
	.venv/bin/yamllint --strict docker-compose.yml deploy

audit: .venv/.made  ## known vulnerabilities of the packages in the lock; says so where they cannot be looked up
	$(PY) -m supply_chain.audit

sbom: .venv/.made  ## the bill of materials of the wheel (CycloneDX), in dist/
	$(PY) -m supply_chain.sbom dist/pharmagraph.cdx.json

pictures: .venv/.made browser  ## pictures of the explorer's pages, and the README's, from a store with a run
	$(PY) docs/pictures.py

# CI installs what the tests need; elsewhere, one line says what is missing
browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit; done; \
	if test -n "$$CI" && command -v apt-get > /dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium > /dev/null; \
	else echo "No Chromium here, so the tests of the explorer are left out; apt-get install chromium, or the like"; fi

docs: .venv/.made  ## the documentation as a site that takes nothing from a network, in site/
	$(PY) docs/reference.py
	.venv/bin/zensical build --clean --strict
	@echo "site/index.html; with its search: python3 -m http.server --directory site"

faults: .venv/.made  ## 20,000 mutated tables; servers and clients killed many times at random moments; half an hour
	PHARMAGRAPH_TEST_MUTATIONS=20000 $(PY) -m pytest --timeout 3600 tests/unit/ingest/test_mutated_tables.py
	PHARMAGRAPH_TEST_KILLS=20 PHARMAGRAPH_TEST_NEO4J=maven $(PY) -m pytest tests/integration/test_faults_neo4j.py tests/store/test_ladybug_faults.py tests/faults/test_kill_anywhere.py
	PHARMAGRAPH_TEST_VIEWERS=fetch $(PY) -m pytest tests/exports/test_viewers.py

fuzz: .venv/.made  ## CASES=2000 mutated inputs for each parser; some minutes
	PHARMAGRAPH_TEST_FUZZ=$(or $(CASES),2000) $(PY) -m pytest --timeout 3600 tests/faults/test_fuzz.py

fuzz-guided: .venv/.made  ## SECONDS=30 for each parser, inputs bred by coverage; installs atheris; figures into docs/reliability.md
	$(UV) pip install --quiet --python $(PY) 'atheris>=3'
	$(PY) -m benchmarks.reliability guided --seconds $(or $(SECONDS),30)

soak: .venv/.made  ## MINUTES=10 of loading, training, asking, deleting and serving; figures into docs/reliability.md
	$(PY) -m benchmarks.reliability soak --minutes $(or $(MINUTES),10)

reliability: .venv/.made  ## the long campaigns, figures into docs/reliability.md; KILLS=50 of each command, CASES, SECONDS, MINUTES; hours
	$(PY) -m benchmarks.reliability kills --times $(or $(KILLS),50)
	$(PY) -m benchmarks.reliability kills --times $(or $(KILLS),50) --engine Neo4j
	$(PY) -m benchmarks.reliability fuzz --cases $(or $(CASES),6000)
	$(MAKE) --no-print-directory fuzz-guided
	$(PY) -m benchmarks.reliability soak --minutes $(or $(MINUTES),60)

with-3.13:
	@$(MAKE) --no-print-directory .venv313/.made || { test -z "$$CI" && rm -f .venv313/.made && \
		echo "Python 3.13 could not be set up here (above), so the tests on it are left out; PYTHONS=3.11 never tries"; }

bench: .venv/.made  ## the main loop's figures, as JSON
	$(PY) -m benchmarks.main_loop --format json

# one version of each package on every Python, so that a seed gives the same figures on each
lock: | $(UV)  ## requirements.lock from pyproject.toml, without addresses
	$(UV) pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --extra dev --no-emit-index-url --no-annotate --no-header pyproject.toml --output-file requirements.lock

wheel: .venv/.made  ## a wheel with the kernels prebuilt for this processor's kind, and its bill of materials, in dist/
	rm -rf model/kernels/cpu/prebuilt build
	$(PY) -m pharmagraph.model.kernels.build
	$(UV) build --quiet --wheel --no-build-isolation --python $(PY)
	$(PY) -m supply_chain.sbom dist/pharmagraph.cdx.json

clean:  ## remove the environment and caches, keep data and graphs
	rm -rf .venv .venv313 .tools .pytest_cache .mypy_cache .ruff_cache build *.egg-info

.PHONY: help setup demo test lint audit sbom pictures docs browser faults fuzz fuzz-guided soak reliability with-3.13 bench lock wheel clean
