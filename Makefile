# make demo    the whole system on a real Kafka, for a look
# make test    all tests: quick ones first, then those on the real stack
# make chaos   faults under load, and an oracle: make chaos SEED=1 MINUTES=4
# make lint    ruff, mypy, import-linter
# make docs    the README's tables, made anew from the code
# make nightly   the properties of the domain over 10,000 random sequences each
# make mutate    mutation testing of the domain
# make bench   figures: what an event costs here and elsewhere, latency, recovery (benchmarks/README.md)
# Each target makes what it needs (.venv, Kafka and the registry under .atp/java) once, and again when its source changes.

PYTHON ?= python3
VENV := .venv
MUTATE := .atp/mutate
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
JAVA_DIR := .atp/java
PEERS_DIR := .atp/peers
CODE := atp_stream benchmarks chaos docs tests
SEED := 1
MINUTES := 4

.PHONY: demo test chaos bench lint lint-rules lint-format lint-types lint-imports format docs nightly mutate coverage install install-dev java clean
.DEFAULT_GOAL := test

# $(error) prints the one line a person needs, and nothing behind it.
need-python = $(if $(shell $(PYTHON) -c 'import sys, venv; print("1" if sys.version_info >= (3, 11) else "")' 2>/dev/null),,\
  $(error Python 3.11 or newer with its venv module is needed, "$(PYTHON)" is not: install python3 and python3-venv, or run `make PYTHON=python3.11`))
java-major = $(shell java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
need-java = $(if $(filter-out 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16,$(java-major)),,\
  $(error Java 17 or newer is needed for Kafka, found $(or $(java-major),none): install one, e.g. openjdk-17-jre-headless))
maven-minor = $(shell mvn -version 2>/dev/null | sed -n 's/.*Apache Maven \(3\.[0-9]*\|[4-9]\).*/\1/p' | head -n 1)
need-maven = $(if $(filter-out 3.0 3.1 3.2 3.3 3.4 3.5,$(maven-minor)),,\
  $(error Maven 3.6 or newer is needed to fetch Kafka, found $(or $(maven-minor),none): install it, e.g. the package maven))

demo: install java
	$(BIN)/atp demo $(ARGS)

test: install-dev java
	$(BIN)/python -m pytest $(ARGS)

chaos: install-dev java
	$(BIN)/python -m chaos --seed $(SEED) --minutes $(MINUTES) $(ARGS)

bench: install-dev java $(PEERS_DIR)/kafka_streams/.built
	@$(PIP) --editable '.[bench]'
	N=$(N) PARTS="$(PARTS)" WORKLOADS="$(WORKLOADS)" REPEAT=$(REPEAT) RATES="$(RATES)" DURATION=$(DURATION) ROWS="$(ROWS)" CHECK=$(CHECK) \
	  $(BIN)/python -m benchmarks

# Each check is a target of its own, so that `make --keep-going lint` tells all there is to mend.
lint: lint-rules lint-format lint-types lint-imports
lint-rules: install-dev
	$(BIN)/ruff check --quiet $(CODE)
lint-format: install-dev
	$(BIN)/ruff format --quiet --check $(CODE)
lint-types: install-dev
	$(BIN)/mypy --no-error-summary
lint-imports: install-dev
	$(BIN)/lint-imports --no-logo

format: install-dev
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: install-dev
	$(BIN)/python -m docs.reference

# The properties of the domain over 10,000 random sequences each; takes about an hour.
nightly: install-dev
	$(BIN)/python -m pytest tests/domain --hypothesis-profile=nightly --timeout=0 $(ARGS)

# mutmut wants a newer click than Faust allows: it has an environment of its own, with what the domain's tests import.
mutate: $(MUTATE)/bin/mutmut
	$(MUTATE)/bin/mutmut run $(ARGS)
	@$(MUTATE)/bin/mutmut results | sed '/: not checked$$/d'
$(MUTATE)/bin/mutmut:
	$(need-python)@$(PYTHON) -m venv $(MUTATE)
	@$(MUTATE)/bin/python -m pip install --quiet --disable-pip-version-check \
	  'mutmut>=3.8,<4' 'pytest>=9,<10' 'pytest-asyncio>=1.2,<2' pytest-timeout hypothesis 'msgspec<0.23' 'aiokafka<0.15'

coverage: install-dev
	$(BIN)/python -m pytest tests/domain --cov=atp_stream.domain --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev
java: $(JAVA_DIR)/.resolved

$(VENV)/pyvenv.cfg:
	$(need-python)@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "installing atp-stream into $(VENV)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "installing atp-stream and its tools into $(VENV)"
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

# Maven 3 resets the colour of a terminal even where there is none, whatever it is told: sed takes that out.
# Only what is missing is asked for: with the jars in place neither Maven nor a network is needed.
$(JAVA_DIR)/.resolved: pom.xml
	$(need-java)$(need-maven)@echo "fetching Kafka and the schema registry into $(JAVA_DIR)"
	@rm -rf $(JAVA_DIR)
	@said=$$(mvn -q -B -Dstyle.color=never dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/$(JAVA_DIR) 2>&1); code=$$?; \
	  printf '%s\n' "$$said" | sed "s/$$(printf '\033')\[[0-9;]*m//g; /^$$/d" >&2; exit $$code
	@touch $@

$(PEERS_DIR)/kafka_streams/.built: benchmarks/peers/kafka_streams/pom.xml $(wildcard benchmarks/peers/kafka_streams/src/main/java/peers/*)
	$(need-java)$(need-maven)@echo "compiling the Kafka Streams peer"
	@mvn -q -B -Dstyle.color=never -f benchmarks/peers/kafka_streams package
	@touch $@

clean:
	rm -rf $(VENV) .atp mutants build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
