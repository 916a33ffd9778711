# On a fresh Debian 12 or 13 with Python 3.11 or later, make, and root or sudo, no other step is needed.
#
#   make demo     set up what is missing, run the rehearsal, leave the console open
#                 ONCE=1 exits when all is settled, REPORT=file writes the report, SEED=n picks another town
#   make test     set up what is missing, run every check and test
#                 ARGS='...' goes to pytest
#   make lint     the checks alone        make bench    the ratios
#   make mutants  how many small faults in the policy the tests find; ARGS='...' names modules
#   make setup    the set-up alone        make clean    removes the virtual environment and caches
#
# PYTHON=... names another interpreter than python3.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test bench mutants lint setup setup-test venv clean

export PYTHON
scripts := docker/setup
bin := .venv/bin
phase := @$(scripts)/phase.sh

# `make demo` ends with the demo's own 1 where the ledgers disagree. make reports every failure as 2, but under -q
# it passes the 1 of a line with + on (job.c, MAKE_TROUBLE); a set-up that fails must then not end with 1.
ifeq ($(MAKECMDGOALS) $(findstring n,$(firstword -$(MAKEFLAGS))),demo )
MAKEFLAGS += -q
phase := +@$(scripts)/phase.sh
or_two := || exit 2
own_code := +
endif

help:
	@sed -n '/^$$/q; s/^#\( \|$$\)//p' Makefile

setup:
	$(phase) "Set-up: system packages" $(scripts)/system.sh gateway asterisk $(or_two)
	$(phase) "Set-up: Python packages" $(scripts)/python.sh $(or_two)
	$(phase) "Set-up: Asterisk" $(scripts)/asterisk.sh $(or_two)

setup-test:
	$(phase) "Set-up: system packages for the tests" $(scripts)/system.sh gateway asterisk test
	$(phase) "Set-up: Python packages" $(scripts)/python.sh
	$(phase) "Set-up: Asterisk" $(scripts)/asterisk.sh

venv:
	@$(scripts)/python.sh

demo: setup
	$(own_code)@$(bin)/ringwell demo $(if $(ONCE),--once) $(if $(REPORT),--report "$(REPORT)") $(if $(SEED),--seed "$(SEED)")

lint: venv
	$(phase) "Lint: ruff check" $(bin)/ruff check --quiet .
	$(phase) "Lint: ruff format" $(bin)/ruff format --quiet --check .
	$(phase) "Lint: mypy" $(bin)/mypy --no-error-summary
	$(phase) "Lint: import directions" $(bin)/lint-imports --no-logo

# Most tests wait for calls that take their time: two at once take half of it. pytest comes last, so that its
# summary is the last line.
test: setup-test lint
	@printf '== Tests\n'
	@$(bin)/pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder --durations=10 $(ARGS)

bench: setup-test
	@$(bin)/python -m tests.bench $(ARGS)

mutants: venv
	@$(bin)/python -m tests.mutants $(ARGS)

clean:
	@rm -rf .venv build ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
