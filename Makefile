# Every target sets up what it needs in .venv/; `make` lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

RAY := .venv-ray

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-llm check format lint types schema baseline weights bench-real bench-agreement bench-refusal bench-stats bench-race bench-fairness bench-judges bench-retrieval bench-store bench-large bench-gate bench-engine bench-kills soak bench-planted bench-scale test-ray cards clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

# uv installs in seconds what pip installs in a minute; where it cannot be had, pip reads the same lock.
$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv 2>/dev/null \
	  && $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q harness
	@touch $@

setup: $(READY)  ## make .venv with everything that the lock names

demo: $(READY)  ## an unchanged candidate passes, a degraded one fails, with the reports to look at
	@PATH="$(abspath $(BIN)):$$PATH" sh docs/demo.sh

test: $(READY)  ## the test suite
	$(BIN)/python -m pytest

# Ray is as large as everything else together, so it has an environment of its own.
$(RAY)/.ready: $(READY)
	test -x $(RAY)/bin/python || $(PYTHON) -m venv $(RAY)
	$(BIN)/uv pip install -q --compile-bytecode --python $(RAY)/bin/python --require-hashes -r requirements.lock 2>/dev/null \
	  || $(RAY)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(RAY)/bin/python -m pip install -q --disable-pip-version-check "ray>=2.50,<3"
	$(RAY)/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

test-ray: $(RAY)/.ready  ## the tests on a Ray cluster of two nodes, one of which is killed (minutes)
	$(RAY)/bin/python -m pytest tests/engine/test_ray.py tests/api/test_engines.py

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

bench-retrieval: $(READY)  ## speed of rank metrics over whole runs (ARGS="--peer-python PYTHON --reference SCRIPT")
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/retrieval_speed.py --out benchmarks/retrieval_speed.md $(ARGS)

bench-store: $(READY)  ## memory, speed and size of 100,000 answers with a million scores, read and loaded
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/store_speed.py --out benchmarks/store_speed.md $(ARGS)

bench-large: $(READY)  ## memory, CPU and files of two runs of 100,000 cases and a gate on them (20 minutes)
	$(BIN)/python benchmarks/large_runs.py $(or $(ARGS),--out benchmarks/large_runs.md)

bench-gate: $(READY)  ## false alarms and power of the whole gate, on its own code (hours; ARGS=--short: seconds)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/gate_characteristics.py \
	  $(or $(ARGS),--out benchmarks/gate_characteristics.md) || missed=1; \
	$(if $(ARGS),,$(BIN)/python benchmarks/gate_characteristics.py --out benchmarks/gate_characteristics.md --quote README.md;) \
	exit $${missed:-0}

bench-engine: $(READY)  ## what the engine costs, beside bare clients and peers (HARNESS_BENCH; ARGS="--python ... --peer ...")
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/engine.py --out benchmarks/engine.md $(ARGS)

bench-kills: $(READY)  ## 50 kills at random moments: what was lost, what was paid for twice (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/kills.py $(or $(ARGS),--out benchmarks/kills.md)

soak: $(READY)  ## 20 minutes of faults, kills and resumes, with an account at the end
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/soak.py $(or $(ARGS),--out benchmarks/soak.md)

bench-planted: $(READY)  ## which planted faults the metrics catch on the shipped goldens (minutes; ARGS=--short: seconds)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/planted_faults.py $(or $(ARGS),--out benchmarks/planted_faults.md)

bench-scale: $(RAY)/.ready  ## shards and Ray beside one machine, and the loss of a node (minutes)
	OMP_NUM_THREADS=1 $(RAY)/bin/python benchmarks/scale.py

cards: $(READY)  ## write the cards of the metrics again, from their declarations and the benchmarks
	$(BIN)/python benchmarks/metric_cards.py

clean:  ## remove .venv, caches and reports
	rm -rf $(VENV) $(RAY) .mypy_cache .ruff_cache .pytest_cache .hypothesis reports/runs reports/harness.duckdb
