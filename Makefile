# Everything the project can do. `make help` lists it.
# Debian 12 with Python 3.11 and make is enough; other systems: see README.md.

PYTHON ?= python3
PORT   ?= 8000
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
TESTED := $(VENV)/.installed-test

.PHONY: help setup demo test lint golden bench bench-ingest eval train adapt corpus clean

help:  ## list all targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

setup: $(STAMP)  ## create .venv and install the program

demo: export KB_HOME := $(CURDIR)/.kb/demo
demo: setup  ## ingest the sample reports, serve them on 127.0.0.1:$(PORT), print a link to the desk
	$(BIN)/kb ingest --publish --skip-existing corpus/reports/*/*.pdf
	$(BIN)/kb serve --demo-editor --host 127.0.0.1 --port $(PORT)

test: $(TESTED)  ## install what the tests need (Chromium included) and run them all
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(TESTED)  ## ruff, ruff format, mypy strict, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: $(TESTED)  ## rewrite the golden files of ingest; read the diff before you commit it
	$(BIN)/python -m pytest tests/ingest --golden

bench: $(TESTED)  ## measure speed and memory on this machine
	$(BIN)/python -m tests.bench.speed $(BENCH)

bench-ingest: $(TESTED)  ## measure how well PDFs are read, against exact truth (BENCH_PDF_DIR: a folder of your own)
	$(BIN)/python -m tests.bench.ingest

eval: setup  ## measure the quality of search on the judged queries
	$(BIN)/kb eval

train: export KB_HOME := $(CURDIR)/.kb/train
train: setup  ## fit the shipped classifier and themes to corpus/training again; prints how each style fared
	$(BIN)/python -m ingest.train
	$(BIN)/python corpus/learn_themes.py

adapt: setup  ## teach the encoder to read questions again (corpus/questions); prints how unseen styles fared
	$(BIN)/python corpus/adapt.py

corpus: setup  ## rebuild the sample PDFs from their sources (see corpus/build.py for Debian packages)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[corpus]'
	$(BIN)/python corpus/build.py

clean:  ## remove .venv and the demo's data
	rm -rf $(VENV) .kb

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || (echo "python3-venv is missing: apt-get install python3-venv" && exit 1)

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(TESTED): $(STAMP)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium)
	touch $@
