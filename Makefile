# Everything a person or CI runs. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint nag synth bootstrap diff diff-comment deploy assembly destroy verify-aws audit security docs bench soak lock clean

# node, python3 and cdk all come from here, so the machine needs neither Node nor any package of its own.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# jsii prints a banner for every Node it does not know yet; ours is pinned.
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
export CDK_DISABLE_CLI_TELEMETRY := 1

PYTHON ?= python3
ENV ?= local
SEED ?= 0
# One more than a small machine has cores: what deploys waits more than it works.
JOBS ?= 3
SETUP := .venv/.setup
APP ?=
CDK = cdk --no-notices $(if $(APP),--app $(APP),-c env=$(ENV))
ifeq ($(ENV),local)
CDK := rft local exec -- $(CDK)
endif

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(SETUP) ## Install everything into .venv, node_modules and .rft (needs Python 3.11+ and the network)

$(SETUP): requirements.txt package-lock.json pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than Python 3.11; install a newer one or run: make setup PYTHON=python3.12" >&2; exit 1; }
	@echo "1/4 virtual environment in .venv"
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@echo "2/4 Python packages (pinned by hash; about 2 minutes, 1.8 GB)"
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
	@FAULTS_EVERY=4 python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

lint: setup ## Types, style, formatting
	@ruff check .
	@ruff format --check .
	@mypy

nag: setup ## What security reviews ask first: cdk-nag's findings, wildcards in policies
	@python -m pytest -q tests/security

synth: setup ## Synthesize every environment into cdk.out
	@cdk --no-notices synth --quiet $(if $(PIPELINE),-c pipeline=true)

assembly: ## Fetch into cdk.out what main.yml synthesized and deployed of a commit (needs gh): make assembly COMMIT=...
	@run=$$(gh run list --workflow main.yml --event push --branch main --commit "$(COMMIT)" --status success --limit 1 \
		--json databaseId --jq '.[].databaseId'); \
	test -n "$$run" || { echo "error: main.yml did not succeed on commit $(COMMIT); what dev does not have goes nowhere" >&2; exit 1; }; \
	rm -rf cdk.out; gh run download "$$run" --name assembly --dir cdk.out

bootstrap: setup ## Prepare an account and Region for CDK, with the rights that its templates need: make bootstrap ENV=dev
	@python -m stacks.config check $(ENV)
	@options=$$(python -m stacks.execution_policy options $(ENV)) && \
	$(CDK) deploy --app "python -m stacks.execution_policy app $(ENV)" --output out/execution-policy --all --require-approval never && \
	$(CDK) bootstrap $$(python -m stacks.config target $(ENV)) $$options $(if $(TRUST),--trust $(TRUST))

diff: setup ## Show what a deployment would change: make diff ENV=dev
	@$(CDK) diff '$(ENV)/*'

diff-comment: setup ## The same, with rights to read alone, into out/diff-ENV.md: make diff-comment ENV=dev
	@mkdir -p out
	@$(CDK) diff '$(ENV)/*' --method template --no-color > out/diff-$(ENV).txt 2>&1 || { cat out/diff-$(ENV).txt >&2; exit 1; }
	@{ printf '### What this would change in `$(ENV)`\n\n````\n'; head -c 60000 out/diff-$(ENV).txt; printf '\n````\n'; } > out/diff-$(ENV).md

deploy: setup ## Deploy an environment: make deploy ENV=dev; APP=cdk.out deploys what was synthesized, APPROVED=1 asks nobody
	@python -m stacks.config check $(ENV)
	@$(CDK) deploy '$(ENV)/*' $(if $(APPROVED),--require-approval never)

destroy: setup ## Remove an environment; retained data stay, and what is live unless LIVE=1: make destroy ENV=dev
	@stack=$$(python -m stacks.config stack $(ENV)); \
	rft teardown --env $(ENV) --stack $$stack $(if $(LIVE),--live); \
	rft empty --env $(ENV) --stack $$stack
	@$(CDK) destroy '$(ENV)/*' --force

verify-aws: setup ## See which assumptions hold in an AWS, and renew docs/assumptions.md: make verify-aws ENV=dev; FULL=1 trains to the end
	@code=0; rft verify-aws --env $(ENV) --output docs/verification/$(if $(filter local,$(ENV)),embedded,aws).json \
		$(if $(FULL),--full) $(if $(APPROVED),--yes) || code=$$?; \
	python -m tests.pages; exit $$code

audit: ## Look up known weaknesses of the locked packages (needs pipx, npm and the network)
	@pipx run pip-audit==2.10.1 --requirement requirements.txt --require-hashes --disable-pip --strict
	@npm audit --package-lock-only

SECURITY := .venv-security/.setup

security: setup $(SECURITY) ## Let cdk-nag, checkov, cfn-lint and actionlint look at everything; renews docs/security.md
	@.venv-security/bin/actionlint -no-color
	@python -m benchmarks.security

$(SECURITY): requirements-security.txt
	@$(PYTHON) -m venv .venv-security
	@.venv-security/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-security.txt
	@touch $@

DOCS := .venv-docs/.setup

docs: $(DOCS) ## Build the documentation as a site, with the reference of the constructs, into site/
	@NO_MKDOCS_2_WARNING=1 PATH="$(CURDIR)/.venv-docs/bin:$$PATH" .venv-docs/bin/mkdocs build --strict --quiet
	@echo "site/index.html"

$(DOCS): requirements-docs.txt
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

bench: setup ## Measure, beside peers where one exists; writes benchmarks/results/*.json
	@python -m benchmarks

soak: setup ## Full counts: five demo seeds and a control, fuzzed events and files, 10,000 programs, the gate's errors, the fault suite
	@FAULT_UPDATES=all python -m pytest -q tests/faults tests/embedded/test_faults.py
	@python -m benchmarks reward_fuzz dataset_fuzz code_soak gate_errors faults demo

lock: ## Renew requirements.txt from pyproject.toml (maintainers; needs uv)
	@uv pip compile pyproject.toml --extra handlers --extra graders --extra cli --extra local --extra dev --universal --generate-hashes \
		--no-header --no-emit-index-url --quiet --output-file requirements.txt
	@uv pip compile requirements-security.in --python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url --quiet \
		--output-file requirements-security.txt
	@uv pip compile requirements-docs.in --python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url --quiet \
		--output-file requirements-docs.txt

clean: ## Remove everything that was made here, except .venv and node_modules
	@if test -f .rft/local/state.json; then rft local down; fi
	@rm -rf cdk.out .rft/local .bundles out dist build site .pytest_cache .mypy_cache .ruff_cache .hypothesis
