# Everything Comanda needs, on a machine with Python 3.11 or newer and make. `make` lists the targets.
#
#   PORT    where `make up` listens (default 4566), `make fake-provider` (4580) and `make receiver` (4581)
#   SET     settings of the local stage for `make up`: SET="delivery.max_attempts=3 enrichment.delay_seconds=0"
#   FILE    the source file whose tests `make test-for` runs
#   SEEDS   how many seeds `make simulate` runs (default 300)
#   FIRST   the first of them (default: one that follows from the commit, and from what is not committed yet)
#   SEED    the one seed it replays; VERBOSE=1 tells its whole story
#   MINUTES how long `make hunt` goes on (default 20)
#   ONLY    the guards `make mutate-simulated` takes out: those with this text in their names (default all)
#   STAGE   the stage whose settings `make cost` takes (default prod)
#   PYTHON  the interpreter to use (default: the first Python 3.11 or newer that runs)

.DEFAULT_GOAL := help
.PHONY: help install up fake-provider receiver down demo test test-fast test-for test-stack test-browser simulate hunt prove check lint synth lock \
	benchmark cost mutate mutate-simulated clean

export PYTHON
export PYTHONUTF8 := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

INSTALLED := PATH="$(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$$PATH"
STAGES := local dev prod

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' Makefile

install:  ## install what is pinned: .venv, .venv-emulator, node_modules (every target does)
	@python=$$(sh local/find-python.sh) && "$$python" local/bootstrap.py

up: install  ## start the local stack, or bring a running one up to date: make up PORT=4567
	@$(INSTALLED) python -m local up $(if $(PORT),--port $(PORT)) $(foreach setting,$(SET),--set '$(setting)')

fake-provider: install  ## an enrichment provider to try things with: make up SET=enrichment.url=http://127.0.0.1:4580/
	@$(INSTALLED) python -m local.servers.fake_provider $(PORT)

receiver: install  ## a receiver to try webhooks with: WEBHOOK_SECRET=whsec_… make receiver
	@$(INSTALLED) python -m local.servers.webhook_receiver $(PORT)

down: install  ## stop the local stack; its data are gone
	@$(INSTALLED) python -m local down

demo: install  ## send orders and ask for reports, on the running stack or on one of its own
	@$(INSTALLED) python -m local demo

test: install  ## everything but what takes minutes: check, then the tests, on stacks of their own
	@started=$$(date +%s) && $(MAKE) --no-print-directory check test-fast simulate test-stack \
		&& echo "make test took $$(( $$(date +%s) - started )) s"

test-fast: install  ## the tests that need no deployed stack
	@$(INSTALLED) pytest -n 2 --dist loadgroup --ignore tests/stack

test-for: install  ## the tests that cover a source file: make test-for FILE=infra/settings/times.py
	@$(INSTALLED) python -m tests.support.covering $(FILE)

test-stack: install  ## the tests against a deployed stack: three side by side, brought up by themselves
	@$(INSTALLED) pytest tests/stack -n 3 --dist loadfile

test-browser: install  ## a web page of another origin in a headless Chromium, on a stack of its own (docs/web.md)
	@$(INSTALLED) pytest tests/browser -m browser

simulate: install  ## try to break the promises: SEEDS=500 hostile schedules, or replay SEED=1234 VERBOSE=1
	@$(INSTALLED) python -m tests.simulation $(if $(SEED),--seed $(SEED) $(if $(VERBOSE),--verbose),\
		--seeds $(or $(SEEDS),300) $(if $(FIRST),--first $(FIRST)))

hunt: install  ## run seeds that nobody has seen for MINUTES=20, whatever breaks; what it finds stays in .hunt/
	@$(INSTALLED) python -m tests.simulation.hunt --minutes $(or $(MINUTES),20) $(if $(FIRST),--first $(FIRST))

prove: install  ## what takes long to prove: 10,000 seeds; on a stack: killers, poison heads, redrives
	@$(INSTALLED) python -m tests.simulation --seeds $(or $(SEEDS),10000) $(if $(FIRST),--first $(FIRST)) \
		--keep-going --points
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

cost: install  ## what an order and a report cost on AWS: calls and units counted, list prices (docs/cost.md)
	@$(INSTALLED) python -m benchmarks.cost $(if $(STAGE),--stage $(STAGE))

mutate: install  ## take out one guard at a time; each must turn a test red (some minutes)
	@$(INSTALLED) python -m tests.mutations

mutate-simulated: install  ## take out one guard at a time; the simulator must catch each (about an hour)
	@$(INSTALLED) python -m tests.simulation.mutants $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FIRST),--first $(FIRST)) \
		$(if $(ONLY),--only "$(ONLY)")

lock: install  ## lock requirements/*.in again; UPGRADE=1 takes newer versions
	@$(INSTALLED) sh requirements/lock.sh $(if $(UPGRADE),--upgrade)

clean: install  ## stop the stack and remove all that was made, back to a fresh clone; but what a hunt has found
	@$(INSTALLED) python -m local down
	@rm -rf .venv .venv-emulator node_modules .local .build cdk.out .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
