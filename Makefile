# One machine, one folder: everything this makes lies in .venv and, when it runs, in DATA_DIR.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python
DEPENDENCIES := pyproject.toml constraints.txt

.PHONY: help run test check soak gallery clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

run: $(VENV)/installed ## Start everything on this machine; Ctrl-C stops it
	@$(PYTHON) -m bot run

# Three at once even on two cores: tests that kill and restart processes mostly wait. What is
# compiled is kept, or each of them and of the many processes that they start does it anew.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/installed-dev ## Run the tests
	@.ci/browser
	@$(PYTHON) -m pytest -n 3 --dist worksteal

check: $(VENV)/installed-dev ## Check style, types, imports and texts
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(PYTHON) -m locales.check

soak: $(VENV)/installed-dev ## Run the long kill, flood and crawl tests
	@.ci/browser
	@$(PYTHON) -m pytest -m soak

gallery: $(VENV)/installed ## Write every screen, in both languages, for both channels
	@$(PYTHON) -m bot gallery

clean: ## Remove what can be made again; never DATA_DIR
	@rm -rf $(VENV) build gallery *.egg-info .*_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Remembered by these two files; a change of the dependencies installs anew.
$(VENV)/installed: $(DEPENDENCIES)
	@.ci/install $(VENV) .
	@touch $@

$(VENV)/installed-dev: $(DEPENDENCIES)
	@.ci/install $(VENV) '.[dev]'
	@touch $(VENV)/installed $@
