# Debian 12, Python 3.11, make: nothing else is needed. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run
STAMP := $(VENV)/.done
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help demo test long search lint format servers venv pins wheel chaos bench fuzz load latency evaluate readback screenshots clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(RUN)  ## the whole system on this machine, with a live page
	$(BIN)/greenwater demo

test: $(STAMP) servers  ## every test but those of `make long`, live servers included
	@$(BIN)/python tools/run_tests.py $(BIN)/python $(TESTS)

long: $(STAMP) servers  ## what takes minutes more: each story on its other backing, each journey and page at a desk
	$(BIN)/python -m pytest -q -rfEs -m long tests/live tests/stories tests/pages/test_journeys.py tests/pages/test_looks.py

search: $(STAMP) servers  ## properties with new examples, a thousand each: hours (WORDS="tests/unit/test_watch.py …")
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -q -rfEs -m hypothesis $(WORDS)

lint: $(STAMP)  ## format, style, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

venv: $(STAMP)  ## the virtual environment, pinned by hash

# Two steps: pip refuses an editable install together with hashes. pip compiles on one core,
# packages' tests too: so it does not, and it is done after it, on all.
COMPILE = $(BIN)/python -m compileall -q -j 0 -x '[/](tests|testing)[/]' $(VENV)/lib >/dev/null || true
$(RUN): constraints-run.txt pyproject.toml hatch_build.py package-lock.json tools/environment.py
	@$(PYTHON) tools/environment.py $(VENV)
	@echo "venv: installing the packages of constraints-run.txt"
	@$(PIP) install --quiet --no-compile --require-hashes --only-binary :all: -r constraints-run.txt
	@echo "venv: installing greenwater and its page assets"
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@$(COMPILE)
	@touch $@

# ioos-qc is published as source only.
$(STAMP): $(RUN) constraints.txt
	@echo "venv: installing what tests and checks need"
	@$(PIP) install --quiet --no-compile --require-hashes --only-binary :all: --no-binary ioos-qc -r constraints.txt
	@$(COMPILE)
	@touch $@

servers:  ## Mosquitto, InfluxDB, PostgreSQL and Caddy from Debian's packages into .servers/
	@$(PYTHON) tools/servers.py

# Without UPGRADE=--upgrade, only what pyproject.toml makes necessary is changed.
pins: $(STAMP)  ## renew constraints.txt from pyproject.toml (UPGRADE=--upgrade: all of it)
	$(PIP) install --quiet pip-tools
	$(BIN)/pip-compile --quiet $(UPGRADE) --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-annotate --no-header --strip-extras --allow-unsafe \
	  --all-extras -o constraints.txt pyproject.toml
	$(PIP) install --quiet --require-hashes --only-binary :all: --no-binary ioos-qc -r constraints.txt
	$(BIN)/python tools/run_pins.py

wheel: $(RUN)  ## dist/*.whl with page assets, for gateways (they need no npm)
	$(PIP) wheel --quiet --no-deps --no-build-isolation -w dist .

chaos: $(STAMP) servers  ## the ledger test at length: at least 300 faults, a table at the end
	$(BIN)/python -m benchmarks.chaos

bench: $(STAMP) servers  ## the pipeline's and the edge's figures
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.edge

load: $(STAMP)  ## two hundred farmers with live pages, labels scanned (WORDS="--soak 60": memory for an hour)
	$(BIN)/python -m benchmarks.load $(WORDS)

latency: $(STAMP) servers  ## from a probe's reading to the alarm on the page, with nothing beside it
	ALONE=1 $(BIN)/python -m pytest -q -rP tests/stories/test_latency.py

fuzz: $(STAMP)  ## schemathesis over the whole API, all checks (WORDS="--examples 20 …")
	$(BIN)/python -m tests.pages.fuzz $(WORDS)

evaluate: $(STAMP)  ## how good the analytics are, on recordings they were not tuned on (PARTS="oxygen …")
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.evaluate $(PARTS)

readback: $(STAMP)  ## codes printed, harmed and read back, by error level and module size: docs/labels.md
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.readback

screenshots: $(STAMP)  ## every page, phone and desktop, by day and by night: docs/screenshots/
	nice $(BIN)/python -m tests.stories.screenshots docs/screenshots

clean:  ## forget the environment and the servers
	rm -rf $(VENV) .servers dist web/static/vendor
