# Everything Comanda needs, on a machine with Python 3.11 or newer and make. `make` lists the targets.
#
#   PORT    where `make up` listens (default 4566)
#   PYTHON  the interpreter to use (default: the first Python 3.11 or newer that runs)

.DEFAULT_GOAL := help
.PHONY: help install up down demo test test-fast test-stack prove check lint synth lock benchmark mutate clean

export PYTHON
export PYTHONUTF8 := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

INSTALLED := PATH="$(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$$PATH"
STAGES := local dev prod

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

install:  ## install what is pinned: .venv, .venv-emulator, node_modules (every target does)
	@python=$$(sh local/find-python.sh) && "$$python" local/bootstrap.py

up: install  ## start the local stack, or bring a running one up to date: make up PORT=4567
	@$(INSTALLED) python -m local up $(if $(PORT),--port $(PORT))

down: install  ## stop the local stack; its data are gone
	@$(INSTALLED) python -m local down

demo: install  ## send orders through the running stack, or through one of its own
	@$(INSTALLED) python -m local demo

test: install  ## everything but what takes minutes: check, then the tests, on stacks of their own
	@started=$$(date +%s) && $(MAKE) --no-print-directory check test-fast test-stack \
		&& echo "make test took $$(( $$(date +%s) - started )) s"

test-fast: install  ## the tests that need no deployed stack
	@$(INSTALLED) pytest -n 2 --dist loadgroup --ignore tests/stack

test-stack: install  ## the tests against a deployed stack: two side by side, brought up by themselves
	@$(INSTALLED) pytest tests/stack -n 2 --dist loadfile

prove: install  ## what takes minutes to prove on a stack: killers, kill loop, poison heads, redrives
	@$(INSTALLED) pytest tests/stack -m prove -n 2 --dist worksteal --durations 10

check: lint synth  ## lint, format, types, imports, templates; changes and deploys nothing
	@$(INSTALLED) cfn-lint .build/synth/*/*.template.json

lint: install  ## the part of check that needs no templates
	@$(INSTALLED); export PATH; set -e; ruff check; ruff format --check; lint-imports --no-logo; mypy

synth: install  ## write the CloudFormation templates of every stage to .build/synth
	@$(INSTALLED); export PATH; set -e; for stage in $(STAGES); do \
		echo "Synthesizing stage $$stage"; \
		cdk synth --quiet --context stage=$$stage --output .build/synth/$$stage; \
	done

benchmark: install  ## measure the time from 202 to completed, on a stack of its own
	@$(INSTALLED) python -m benchmarks.latency

mutate: install  ## take out one guard at a time; each must turn a test red (some minutes)
	@$(INSTALLED) python -m tests.mutations

lock: install  ## lock requirements/*.in again; UPGRADE=1 takes newer versions
	@$(INSTALLED) sh requirements/lock.sh $(if $(UPGRADE),--upgrade)

clean: install  ## stop the stack and remove all that was made, back to a fresh clone
	@$(INSTALLED) python -m local down
	@rm -rf .venv .venv-emulator node_modules .local .build cdk.out .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
