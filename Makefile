# `make demo` shows a whole migration on a real cluster; `make test` passes the tests. Both set themselves up.
SHELL := /bin/bash
PYTHON := .venv/bin/python
LAB := $(PYTHON) -m scripts.lab
NODES ?= 3
SOURCE ?= flannel
RESTART ?= recycle
STACK ?= dev
BESIDE := -n 2 --dist loadfile --no-loadscope-reorder
.DEFAULT_GOAL := help
.PHONY: help demo demo-simulated test test-all test-sources test-fast mutations docs plan images lint bench bench-by-hand bench-time lab-up lab-down lab-sim clean lock venv lab-ready

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: lab-ready ## migrate a real cluster to Cilium, watched by traffic (SOURCE=flannel|canal|calico NODES=3 RESTART=recycle|reboot)
	@$(LAB) demo --nodes $(NODES) --source $(SOURCE) --restart $(RESTART)

demo-simulated: lab-ready ## the same on simulated nodes: nothing of a node is built, no packet sent (NODES=3)
	@$(LAB) demo-simulated --nodes $(NODES)

test: lab-ready ## lint and the tests, the whole migration on the real lab included; docs/benchmarks.md says what is sampled
	@$(MAKE) --no-print-directory lint
	@$(LAB) build
	@$(PYTHON) -m pytest -m "not lab" $(BESIDE) $(PYTEST_ARGS)
	@$(PYTHON) -m tests.faults
	@$(PYTHON) -m pytest -m "lab and not sources" $(PYTEST_ARGS)

test-all: lab-ready ## all that CI leaves out too: kills at every moment and after every resource, whole migrations of every source
	@EXHAUSTIVE=1 $(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test-sources

test-sources: lab-ready ## whole migrations from Calico, Canal and an unusual Flannel, and Calico's trap, on the real lab (25 minutes)
	@$(LAB) build
	@$(PYTHON) -m pytest -m sources $(PYTEST_ARGS)

test-fast: venv ## the tests that need neither root nor built programs
	@$(PYTHON) -m pytest -m "not lab and not engine and not apiserver and not browser and not charts" $(PYTEST_ARGS)

mutations: venv ## faults put into components/operations one by one, and the fast test that catches each (4 minutes)
	@$(PYTHON) -m tests.mutations

docs: lab-ready ## write docs/checks.md from the catalogue, docs/known-clusters.md from the tests, docs/faults.md from what the fault suite sees, the dashboard and the pictures
	@$(PYTHON) -m scripts.check.document
	@$(PYTHON) -m tests.sources.document
	@$(PYTHON) -m scripts.monitoring
	@$(PYTHON) -m tests.documents.pictures
	@EXHAUSTIVE=1 $(PYTHON) -m pytest tests/faults/test_faults.py
	@$(PYTHON) -m pytest tests/faults/test_kills.py tests/faults/test_memory.py $(BESIDE)
	@EXHAUSTIVE=1 $(PYTHON) -m tests.faults --write

plan: venv ## the old CNI as found, and Cilium's values for it with reasons (STACK=dev)
	@$(PYTHON) -m scripts.plan --stack $(STACK)

images: venv ## every image that nodes pull in a migration, for a registry of your own (STACK=dev)
	@$(PYTHON) -m scripts.images --stack $(STACK)

lint: venv ## ruff, strict types, import rules
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: lab-ready ## figures, as ratios to a named baseline in one run
	@$(PYTHON) -m scripts.bench

bench-by-hand: lab-ready ## a real migration by our program and by the guide's commands, and what each lost
	@$(PYTHON) -m scripts.bench.by_hand --nodes $(NODES)

bench-time: lab-ready ## where the seconds of each command of the demo go (the tables of docs/benchmarks.md)
	@$(PYTHON) -m scripts.bench.times --demo

lab-up: lab-ready ## start the real lab (SOURCE=flannel|canal|calico NODES=3)
	@$(LAB) up --nodes $(NODES) --source $(SOURCE)

lab-down: lab-ready ## stop the real lab and remove all it made
	@$(LAB) down

lab-sim: lab-ready ## start a control plane with simulated nodes (NODES=100)
	@$(LAB) sim --nodes $(NODES)

clean: lab-ready ## stop everything, remove .lab; what was built stays in the cache
	@$(LAB) clean

lock: ## write requirements.lock from requirements.in, and requirements-dev.lock from requirements-dev.in
	@python3 -m venv .lab/pip-tools && .lab/pip-tools/bin/pip -q install pip-tools
	@for name in requirements requirements-dev; do .lab/pip-tools/bin/pip-compile -q --no-header --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links --no-emit-options --generate-hashes --strip-extras --allow-unsafe \
	  -o $$name.lock $$name.in; done

venv:
	@scripts/bootstrap.sh

lab-ready:
	@scripts/bootstrap.sh lab
