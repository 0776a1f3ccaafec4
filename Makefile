# Passages. `make run` serves the page, `make test` runs every check; each makes what it needs.
PYTHON ?= python3.11
ifeq (, $(shell command -v $(PYTHON)))
PYTHON := python3
endif
BIN := .venv/bin
# What differs by machine: torch and, on some, what it brings.
TORCH := torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti \
	nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile \
	nvidia-curand nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 \
	nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx

.PHONY: run build test check lock clean help

help:  ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/ \t/'

run: .venv/run.done  ## build the index from corpus/ and serve the page on 127.0.0.1:8501
	@$(BIN)/python -m app build
	@exec $(BIN)/python -m app serve

build: .venv/run.done  ## build the index only
	@$(BIN)/python -m app build

test: .venv/test.done check  ## run all checks and tests
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: .venv/test.done  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: .venv/test.done  ## pin what people install, with hashes; torch and what it brings differ by machine
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 requirements.txt requirements-login.txt requirements-ocr.txt \
		$(addprefix --no-emit-package ,$(TORCH)) -o requirements.lock

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed.")'
	$(PYTHON) -m venv .venv

.venv/run.done: .venv/bin/python requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test.done: .venv/run.done requirements-dev.txt requirements-ocr.txt requirements-login.txt requirements-cluster.txt
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean:  ## remove the environment and the index; documents, judgements and tokens stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@! test -d .store || find .store -mindepth 1 -maxdepth 1 ! -name 'judgements.sqlite*' ! -name 'tokens.json' \
		! -name calibration.json ! -name bin -exec rm -rf {} +
