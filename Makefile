# On a fresh machine with Python 3.10 or newer (and its venv module) and make, and nothing else:
#   make demo   sets everything up in .venv and runs the main job
#   make test   sets up the tests as well and runs lint, types and tests
#   make setup-pynq   makes an environment for each version of pynq that the tests use
# A second run installs nothing; an interrupted set-up goes on at the step it was in.
# On Linux, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu saves torch's 2 GB of CUDA.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := -m pip install --quiet --disable-pip-version-check --no-input
PIP := $(BIN)/python $(INSTALL)

# The board side is tested on the oldest of these, too, where one is there.
OLD_PYTHONS := python3.8 $(wildcard $(HOME)/.pyenv/versions/3.8.*/bin/python) \
	python3.9 $(wildcard $(HOME)/.pyenv/versions/3.9.*/bin/python)

# Each stamp is written after its step, so a step that was cut off is done again.
MADE := $(VENV)/.made
SETUP := $(VENV)/.setup
SETUP_TEST := $(VENV)/.setup-test
TCLINT := $(VENV)/tclint
PYNQ_VERSIONS := 3.1.2 4.0.0
SETUP_PYNQ := $(PYNQ_VERSIONS:%=$(VENV)/pynq-%/.setup)
HAS_PYNQ := import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))

TOO_OLD := bitfpga needs Python 3.10 or newer with its venv module
ANOTHER := name another one: make PYTHON=/path/to/python3
CHECK_PYTHON := import sys; v = sys.version_info; \
	v >= (3, 10) or sys.exit("$(TOO_OLD), but %s is %d.%d; $(ANOTHER)" % (sys.executable, v[0], v[1]))
CHECK_VENV := import ensurepip, venv

# An environment whose Python has gone since (an upgrade, say) is made anew.
ifneq ($(wildcard $(MADE)),)
ifneq ($(shell $(BIN)/python -c 'print(1)' 2>/dev/null),1)
$(shell rm -f $(MADE) $(SETUP) $(SETUP_TEST))
endif
endif

.PHONY: help demo test setup setup-test setup-pynq lint format clean

help:
	@echo 'make demo | test | setup | setup-test | setup-pynq | lint | format | clean'

demo: $(SETUP)
	$(BIN)/bitfpga demo

test: lint setup-pynq
	$(BIN)/python -m pytest

setup: $(SETUP)

setup-test: $(SETUP_TEST)

setup-pynq: $(SETUP_PYNQ)

lint: $(SETUP_TEST)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	find hls_templates tests -path tests/golden -prune -o -name '*.[ch]pp' -exec $(BIN)/clang-format --dry-run -Werror {} +
	$(BIN)/mypy

format: $(SETUP_TEST)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	find hls_templates tests -path tests/golden -prune -o -name '*.[ch]pp' -exec $(BIN)/clang-format -i {} +

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c '' 2>/dev/null || { echo '$(TOO_OLD), and $(PYTHON) does not run; $(ANOTHER)'; exit 1; }
	@$(PYTHON) -c '$(CHECK_PYTHON)'
	@$(PYTHON) -c '$(CHECK_VENV)' 2>/dev/null \
		|| { echo '$(TOO_OLD), which $(PYTHON) lacks (on Debian: apt install python3-venv)'; exit 1; }
	@echo 'making $(VENV)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -c '$(CHECK_PYTHON)'
	@touch $@

# The compiler comes from PyPI only where the machine has none.
$(SETUP): pyproject.toml $(MADE)
	@echo 'installing bitfpga into $(VENV)'
	@$(PIP) --editable .
	@[ -n "$$CXX" ] || command -v g++ >/dev/null || command -v clang++ >/dev/null \
		|| { echo 'no g++ or clang++ here: installing ziglang'; $(PIP) --constraint constraints.txt ziglang; }
	@touch $@

# tclint has an environment of its own: the pathspec it pins is too old for mypy.
$(SETUP_TEST): constraints.txt pyproject.toml $(SETUP)
	@echo 'installing what the tests need into $(VENV)'
	@$(PIP) --constraint constraints.txt --editable '.[test]'
	@$(PYTHON) -m venv $(TCLINT)
	@$(TCLINT)/bin/python $(INSTALL) tclint==0.9.0
	@for python in $(OLD_PYTHONS); do \
		"$$python" -m venv --clear $(VENV)/old 2>/dev/null \
			&& $(VENV)/old/bin/python $(INSTALL) numpy pytest \
			&& break; \
	done; true
	@touch $@

# pynq wants another numpy than bitfpga does, so each version lies in an environment of its own.
$(SETUP_PYNQ): $(VENV)/pynq-%/.setup: constraints-pynq.txt $(MADE)
	@$(BIN)/python -c '$(HAS_PYNQ)' || echo 'pynq needs Python 3.10 to 3.12: its tests are skipped'
	@! $(BIN)/python -c '$(HAS_PYNQ)' || { echo 'installing pynq $* into $(@D)' \
		&& $(BIN)/python -m venv --clear $(@D) \
		&& $(@D)/bin/python $(INSTALL) --constraint constraints-pynq.txt pynq==$* pytest nbclient ipykernel matplotlib; }
	@mkdir -p $(@D)
	@touch $@
