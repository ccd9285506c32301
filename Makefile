# What this repository can do, one word each. It needs make and Python 3.11 or newer, nothing else.
# Stamp files in the virtual environments remember what is installed; pyproject.toml renews them.

PYTHON ?= python3
VENV := .venv
DEMO := .venv-demo
PEERS := .venv-peers
LOWEST := .venv-lowest
AUDIT := .venv-audit
C := hatch_build.py tailrace/engine/wire_reads.c
PIP := -m pip install -qq --disable-pip-version-check

.PHONY: help demo test test-lowest check audit bench bench-peers mutate clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo "make demo    run tailrace against a real small model on this machine"
	@echo "make test    run the whole test suite"
	@echo "make test-lowest  a part of it with the oldest libraries that are allowed"
	@echo "make check   format, lint, types, architecture"
	@echo "make audit   known weaknesses of what is installed; needs the network"
	@echo "make bench   measure tailrace itself"
	@echo "make bench-peers  measure it beside other load generators (installs them, 9 GB)"
	@echo "make mutate FILE=tailrace/engine/sse.py  what tests of a file would not notice"
	@echo "make clean   remove environments and caches; results in runs/ stay"

demo: $(DEMO)/.demo
	@$(DEMO)/bin/tailrace demo $(ARGS)

# Tests that compare with real time, or own a server, run alone; the rest share the cores.
test: $(VENV)/.test
	@$(VENV)/bin/python -m pytest -n 2 -m "not realtime and not server"
	@$(VENV)/bin/python -m pytest -m "realtime or server"

# Whether the lower bounds in pyproject.toml are true. uv, for pip cannot choose the oldest.
test-lowest: $(LOWEST)/.lowest
	@$(LOWEST)/bin/python -m pytest -q -n 2 -p no:cacheprovider -m "not realtime and not server" \
	  tests/results tests/test_cli_run.py tests/test_cli_tls.py tests/test_cli_check.py \
	  tests/engine/test_wire.py tests/engine/test_request.py tests/engine/test_check_model.py

# What cannot be looked up is a failure, without found.json: nothing would be found.
audit: $(VENV)/.test $(AUDIT)/.audit
	@rm -f $(AUDIT)/found.json
	@$(VENV)/bin/python -m pip freeze --exclude-editable > $(AUDIT)/installed.txt
	@$(AUDIT)/bin/pip-audit --strict --no-deps --disable-pip -r $(AUDIT)/installed.txt \
	  -f json -o $(AUDIT)/found.json

check: $(VENV)/.check
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy --strict
	@$(VENV)/bin/python -m pytest tests/test_architecture.py

bench: $(VENV)/.bench
	@$(VENV)/bin/python bench/run.py $(ARGS)

bench-peers: $(VENV)/.bench
	@$(VENV)/bin/python bench/peers.py --cache $(PEERS) $(ARGS)

mutate: $(VENV)/.fuzz
	@$(VENV)/bin/python fuzz/mutate.py $(FILE)

clean:
	rm -rf $(VENV) $(DEMO) $(PEERS) $(LOWEST) $(AUDIT) .venv-foundry build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEMO)/.demo: $(DEMO)/bin/python pyproject.toml $(C)
	@echo "installing the demo (300 MB, once) ..."
	@$(DEMO)/bin/python $(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml $(C)
	@echo "installing the tests' libraries ..."
	@$(VENV)/bin/python $(PIP) -e '.[test]'
	@touch $@

$(LOWEST)/.lowest: $(LOWEST)/bin/python pyproject.toml $(C)
	@echo "installing the oldest libraries ..."
	@$(LOWEST)/bin/python $(PIP) uv
	@VIRTUAL_ENV=$(LOWEST) $(LOWEST)/bin/uv pip install -q --resolution lowest-direct -e '.[lowest]'
	@touch $@

$(AUDIT)/.audit: $(AUDIT)/bin/python
	@echo "installing pip-audit ..."
	@$(AUDIT)/bin/python $(PIP) 'pip-audit>=2.7'
	@touch $@

$(VENV)/.check: $(VENV)/.test
	@echo "installing the checkers ..."
	@$(VENV)/bin/python $(PIP) -e '.[test,check]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@echo "installing the benchmark's libraries ..."
	@$(VENV)/bin/python $(PIP) -e '.[test,bench]'
	@touch $@

$(VENV)/.fuzz: $(VENV)/.test
	@echo "installing the fuzzers ..."
	@$(VENV)/bin/python $(PIP) -e '.[test,fuzz]'
	@touch $@

$(VENV)/bin/python $(DEMO)/bin/python $(LOWEST)/bin/python $(AUDIT)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "tailrace needs Python 3.11 or newer: name one, as in 'make PYTHON=python3.12 test'." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: on Debian and Ubuntu install the package python3-venv." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(@:/bin/python=)
