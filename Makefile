# Every target sets up what it needs in .venv/; `make` lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-llm check format lint types schema baseline weights bench-real bench-agreement bench-refusal bench-stats bench-race bench-fairness bench-judges bench-gate bench-planted cards clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

# uv installs in seconds what pip installs in a minute; where it cannot be had, pip reads the same lock.
$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv 2>/dev/null \
	  && $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q harness
	@touch $@

setup: $(READY)  ## make .venv with everything that the lock names

demo: $(READY)  ## an unchanged candidate passes, a degraded one fails, with the reports to look at
	@PATH="$(abspath $(BIN)):$$PATH" sh docs/demo.sh

test: $(READY)  ## the test suite
	$(BIN)/python -m pytest

test-llm: $(READY)  ## the tests with a real language model, at HARNESS_LLM_URL (long without a GPU)
	$(BIN)/python -m pytest tests/llm -rs $(ARGS)

check: lint types test  ## what CI runs

format: $(READY)  ## format the code
	$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format .

lint: $(READY)  ## style and import rules
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY)  ## mypy --strict
	$(BIN)/mypy

schema: $(READY)  ## write the JSON Schemas and the database page again
	$(BIN)/harness schema suite > suites/suite.schema.json
	$(BIN)/harness schema golden > goldens/golden.schema.json
	$(BIN)/python -c 'from harness.store.schema import schema_page; print(schema_page(), end="")' > docs/schema.md

weights: $(READY)  ## fit the weights by which refusals are told again (HARNESS_DATA)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/refusal_training.py

baseline: $(READY)  ## record the shipped baseline again (REASON="..."), after a change that is meant to move it
	$(BIN)/harness run suites/support.yaml --run-id baseline-$$(date -u +%Y%m%d-%H%M%S)
	$(BIN)/harness baseline promote last --reason "$(REASON)" --keep-text --force

bench-real: $(READY)  ## the harness on real, human-labelled data (HARNESS_DATA)
	cd benchmarks/real && for script in nomiracl financebench cranfield; do ../../$(BIN)/python $$script.py || exit 1; done

bench-refusal: $(READY)  ## how often refusals seen are those that people saw (HARNESS_DATA; minutes)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/refusal_agreement.py --out benchmarks/refusal_agreement.md

bench-agreement: $(READY)  ## agreement of the offline faithfulness with people, set by set (HARNESS_DATA)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/human_agreement.py

bench-race: $(READY)  ## how well a race of 16 configurations chooses, and for how many calls
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/race_characteristics.py

bench-stats: $(READY)  ## CPU time of intervals and tests beside SciPy's, and whether they agree
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/stats_speed.py

bench-fairness: $(READY)  ## false alarms, coverage and power of the fairness audit (long)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/fairness_characteristics.py

bench-judges: $(READY)  ## coverage and false alarms of a judge's figures, corrected by labels and not
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/judge_correction.py

bench-gate: $(READY)  ## false alarms and power of the whole gate, on its own code (hours; ARGS=--short: seconds)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/gate_characteristics.py \
	  $(or $(ARGS),--out benchmarks/gate_characteristics.md) || missed=1; \
	$(if $(ARGS),,$(BIN)/python benchmarks/gate_characteristics.py --out benchmarks/gate_characteristics.md --quote README.md;) \
	exit $${missed:-0}

bench-planted: $(READY)  ## which planted faults the metrics catch on the shipped goldens (minutes; ARGS=--short: seconds)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/planted_faults.py $(or $(ARGS),--out benchmarks/planted_faults.md)

cards: $(READY)  ## write the cards of the metrics again, from their declarations and the benchmarks
	$(BIN)/python benchmarks/metric_cards.py

clean:  ## remove .venv, caches and reports
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis reports/runs reports/harness.duckdb
