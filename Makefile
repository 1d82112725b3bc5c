# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
.PHONY: help venv demo lab-up lab-down templates test lint unit sanity integration policy applications molecule \
        test-oldest bench docs drawing reference dist lock clean

# Every tool comes from the environment, also those that tools start themselves.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Some machines forbid bytecode: every start of a tool would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE
# Standard input is empty: no part may ask a question.
CHECK := nox --non-interactive

help:            ## show this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

venv:            ## make .venv, with this checkout in it as a collection
	@tools/venv.sh

demo: venv       ## build a whole organisation on this machine, change it, show it, stop it
	@python -m demo

lab-up: venv     ## start the local organisation and write .lab/env
	@python -m lab up

lab-down: venv   ## stop the local organisation
	@python -m lab down

templates: venv  ## write the templates with their Lambda code in place to build/templates
	@python -m tools.render_templates

test: venv       ## every test and check, with the time that each takes
	@started=$$(date +%s); status=0; \
	$(CHECK) --parallel 3 < /dev/null || status=1; \
	echo "All of it took $$(($$(date +%s) - started)) s."; exit $$status

lint: venv       ## formatting, types, YAML, playbooks, templates, documentation, changelog
	@$(CHECK) --parallel 2 --tags lint < /dev/null

unit: venv       ## unit tests, with the contents of the collection archive
	@$(CHECK) --sessions unit < /dev/null

sanity: venv     ## ansible-test sanity
	@$(CHECK) --sessions sanity < /dev/null

integration: venv ## the playbooks against the local organisation
	@$(CHECK) --sessions integration < /dev/null

policy: venv     ## who may do what, decided by a policy simulator on what is deployed
	@$(CHECK) --sessions policy < /dev/null

applications: venv ## the examples of CDK and SAM with their real tools
	@$(CHECK) --sessions applications < /dev/null

molecule: venv   ## the molecule scenarios
	@$(CHECK) --sessions molecule < /dev/null

test-oldest:     ## unit and integration tests with the oldest supported Python, Ansible and amazon.aws
	@tools/venv.sh oldest
	@PATH="$(CURDIR)/.venv-oldest/bin:$$PATH" $(CHECK) --sessions unit integration < /dev/null

bench: venv      ## compare with Sceptre on the same endpoint
	@tools/venv.sh bench
	@python -m benchmarks

docs: venv       ## render the collection's documentation to build/docs
	@tools/docs.sh

drawing: venv    ## draw the packages and their imports into docs/contributing.md
	@python -m tools.drawing

reference: venv  ## write the reference tables of docs/ and the JSON Schemas of docs/schema/
	@python -m tools.reference

dist: venv       ## build the collection archive into build/
	@ansible-galaxy collection build --force --output-path build

lock: venv       ## bring requirements/*.txt up to date with the *.in beside them
	@tools/lock.sh

clean:           ## remove everything that the other targets made, the environments too
	@rm -rf .venv .venv-oldest .venv-bench .lab .ansible build .mypy_cache .ruff_cache .pytest_cache
