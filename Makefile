# Each target is complete on a machine with Python 3.11+, make and a package index.
PYTHON ?= python3
VENV ?= .venv
PEER ?= .venv-peer
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
OUT ?= reports/
# Official files are used where ANATOMY_DATA (or --data in ARGS) holds them; the rest is stand-ins.
ARGS ?= --sources all --stand-ins --encoder sam3,minilm

.PHONY: report test test-slow browser check format smoke example notebooks bench clean

report: $(VENV)/installed  ## audit what is at hand and say where the report is
	@$(BIN)/anatomy fetch minilm
	@$(BIN)/anatomy audit $(ARGS) --out $(OUT)

# Several processes with one thread each are faster than one with several.
test: $(VENV)/installed-dev  ## the test suite
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not gpu" --numprocesses auto --maxprocesses 8 --dist loadfile

test-slow: $(VENV)/installed-dev  ## what takes longer, or says the same of more
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "slow and not gpu" --numprocesses auto --maxprocesses 8

browser: tests/browser/node_modules/.package-lock.json  ## what the browser tests need from npm

check: $(VENV)/installed-dev  ## format, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(VENV)/installed-dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

smoke: $(VENV)/installed  ## one whole audit into a temporary folder
	@$(BIN)/anatomy fetch minilm
	@out=$$(mktemp -d) && $(BIN)/anatomy audit --sources all --stand-ins --encoder sam3,minilm --sample 500 --no-cache --out $$out \
	  && test -s $$out/report.html && test -s $$out/findings.json; status=$$?; rm -rf $$out; exit $$status

example: $(VENV)/installed  ## the committed example: page and findings, without the figures' files
	@$(BIN)/anatomy fetch minilm
	@ANATOMY_DATA=data $(BIN)/anatomy audit $(ARGS) --out reports/example/
	@rm -rf reports/example/figures reports/example/kept-tokens-*.json

notebooks: $(VENV)/installed-dev  ## execute the notebooks again and keep what they show
	@$(BIN)/anatomy fetch minilm
	@$(BIN)/python -m notebooks.execute

bench: $(VENV)/installed-dev $(PEER)/installed  ## speed and memory against peers
	@$(BIN)/python -m benchmarks.tokenize
	@$(BIN)/python -m benchmarks.audit
	@$(BIN)/python -m benchmarks.spectrum
	@$(BIN)/python -m benchmarks.dimension
	@$(BIN)/python -m benchmarks.neighbours
	@$(BIN)/python -m benchmarks.report --peer $(PEER)/bin/python
	@$(BIN)/python -m benchmarks.distill_targets
	@$(BIN)/python -m benchmarks.distill_train

clean:
	rm -rf $(VENV) $(PEER) .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/browser/node_modules

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV), with what the tests need ..."
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/installed $@

tests/browser/node_modules/.package-lock.json: tests/browser/package.json tests/browser/package-lock.json
	@cd tests/browser && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# A peer that pins other versions than ours, so it has an environment of its own.
$(PEER)/installed:
	@$(PYTHON) -m venv $(PEER)
	@$(PEER)/bin/python -m pip --disable-pip-version-check install --quiet ydata-profiling pyarrow
	@touch $@
