# `make` alone lists the targets. All of them work in .venv, which is made when it is missing.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# make PYTHON=/path/to/python picks the one that .venv is made with.
CANDIDATES := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## train the paper's method on moving shapes and show the video
	@$(BIN)/deblurkit run recipes/sequential_pairwise.yaml
	@echo
	@echo "The run directory above has the result: scores, weights, pictures and videos."
	@echo "Next, our own loss, where objects move as a whole:"
	@echo "  $(BIN)/deblurkit run recipes/sequential_windowed.yaml"

test: lint ## check everything: style, types, layers, tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: $(VENV)/.installed-test ## check style, types and which layer imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-test ## mend style where that can be done by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-docs ## build the documentation site, warnings as errors
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean: ## remove .venv, caches and build outputs; runs/ stays
	rm -rf $(VENV) build dist docs/_build docs/_generated .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are written last, so an installation that broke off is done again.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "installing deblurkit into $(VENV) (the first time takes minutes: PyTorch is large)"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	@echo "installing deblurkit and its tests' tools into $(VENV) (the first time takes minutes)"
	@$(PIP) install --editable '.[test]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	@echo "installing deblurkit and its documentation's tools into $(VENV)"
	@$(PIP) install --editable '.[docs]'
	@touch $(VENV)/.installed $@

$(BIN)/python:
	@for python in $(CANDIDATES); do \
	  "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	    2>/dev/null || continue; \
	  echo "making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv $(VENV) && exit 0; \
	  rm -rf $(VENV); exit 1; \
	done; \
	echo "error: no Python >= 3.11 with venv and ensurepip among: $(CANDIDATES)" >&2; \
	echo "  next: install one (Debian, Ubuntu: apt install python3-venv)," >&2; \
	echo "        or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1
