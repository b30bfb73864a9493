# Everything a person or CI runs. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint synth bootstrap diff deploy destroy bench soak lock clean

# node, python3 and cdk all come from here, so the machine needs neither Node nor any package of its own.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# jsii prints a banner for every Node it does not know yet; ours is pinned.
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
export CDK_DISABLE_CLI_TELEMETRY := 1

PYTHON ?= python3
ENV ?= local
SEED ?= 0
SETUP := .venv/.setup
CDK = cdk --no-notices -c env=$(ENV)
ifeq ($(ENV),local)
CDK := rft local exec -- $(CDK)
endif

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(SETUP) ## Install everything into .venv, node_modules and .rft (needs Python 3.11+ and the network)

$(SETUP): requirements.txt package-lock.json pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than Python 3.11; install a newer one or run: make setup PYTHON=python3.12" >&2; exit 1; }
	@echo "1/4 virtual environment in .venv"
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@echo "2/4 Python packages (pinned by hash; about 2 minutes, 1.5 GB)"
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "3/4 AWS CDK command line $$(sed -n 's/.*"aws-cdk": "\(.*\)".*/\1/p' package.json)"
	@npm ci --silent --no-audit --no-fund
	@echo "4/4 stand-in model (93 MB, compiled for this machine) and the Lambda bundles"
	@.venv/bin/python -m rft_local.weights
	@.venv/bin/python -m bedrock_rft $$(for env in local dev; do .venv/bin/python -m stacks.config packages $$env; done)
	@touch $@

demo: setup ## Deploy to an embedded AWS on this machine, fine-tune a real small model, write out/report.html
	@rft demo --seed $(SEED) $(DEMO)

test: setup ## Run the tests (under 10 minutes)
	@python -m pytest -q $(TESTS)

lint: setup ## Types, style, formatting
	@ruff check .
	@ruff format --check .
	@mypy

synth: setup ## Synthesize every environment into cdk.out
	@cdk --no-notices synth --quiet

bootstrap: setup ## Prepare an account and Region for CDK: make bootstrap ENV=dev
	@python -m stacks.config check $(ENV)
	@$(CDK) bootstrap $$(python -m stacks.config target $(ENV))

diff: setup ## Show what a deployment would change: make diff ENV=dev
	@$(CDK) diff '$(ENV)/*'

deploy: setup ## Deploy an environment: make deploy ENV=dev
	@python -m stacks.config check $(ENV)
	@$(CDK) deploy '$(ENV)/*'

destroy: setup ## Remove an environment; retained data stay, and what is live unless LIVE=1: make destroy ENV=dev
	@rft teardown --env $(ENV) $(if $(LIVE),--live)
	@rft empty --env $(ENV)
	@$(CDK) destroy '$(ENV)/*' --force

bench: setup ## Measure, beside peers where one exists; writes benchmarks/results/*.json
	@python -m benchmarks

soak: setup ## Full counts: five demo seeds and a control, fuzzed events and files, 10,000 programs, the gate's errors
	@python -m benchmarks reward_fuzz dataset_fuzz code_soak gate_errors demo

lock: ## Renew requirements.txt from pyproject.toml (maintainers; needs uv)
	@uv pip compile pyproject.toml --extra handlers --extra graders --extra cli --extra local --extra dev --universal --generate-hashes \
		--no-header --no-emit-index-url --quiet --output-file requirements.txt

clean: ## Remove everything that was made here, except .venv and node_modules
	@if test -f .rft/local/state.json; then rft local down; fi
	@rm -rf cdk.out .rft/local .bundles out dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
