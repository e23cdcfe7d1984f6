# make demo         show the whole system on a real Kafka
# make test         all tests: the quick ones, then those on the real stack; some of them: make test ARGS=tests/web
# make lint         ruff, mypy, import-linter, links of the documentation; to see all findings: make --keep-going lint
# make format       fix what ruff can fix by itself
# make coverage     show the branches of the domain that its tests do not reach
# make chaos        faults under load, judged by an oracle: make chaos SEED=1 MINUTES=4 BROKERS=1
# make bench        measure what an event costs here and elsewhere, latency, recovery (benchmarks/README.md)
# make nightly      tests that take hours: laws of the domain over 10,000 histories each, long streams, three brokers
# make mutate       mutation testing of the domain (docs/quality/mutation.md)
# make docs         write the tables of docs/reference.md, and a picture, from the code
# make pictures     take the pictures of the console in docs/pictures from the demo (needs chromium)
# make site         build the documentation as a site in build/site
# make sbom         list the packages in the product, as CycloneDX in build/sbom.json
# make licences     list the licence of each package in the product
# make lock-java    update the list of Kafka's jars, after a change of a version in tools/lock.py
# make lock-python  update requirements/, after a change of pyproject.toml; newer versions: make lock-python ARGS=--upgrade
# make install      install the Python packages for `make demo`
# make install-dev  install the Python packages for `make test` and `make lint`
# make java         fetch Kafka and the registry
# make clean        remove .venv and everything that was built here
# make help         this list
#
# Each target first makes what it needs (.venv, and Kafka and the registry in ~/.cache/atp-stream), and makes it again when
# the source changes. Only Python must be there. `make bench` also needs a JDK and Maven for the programs that it compares
# with (PARTS="peers latency").

PYTHON ?= python3
VENV := .venv
MUTATE := .atp/mutate
SBOM := .atp/sbom
version = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' atp_stream/__init__.py)
PRODUCT := .atp/product
UV := .atp/uv
BIN := $(VENV)/bin
PIP := -m pip install --quiet --disable-pip-version-check
# A lock lists all packages, including those that build ours, so pip resolves and isolates nothing.
LOCKED := $(PIP) --no-deps --require-hashes --requirement requirements
EDITABLE := $(PIP) --no-deps --no-build-isolation --editable .
PEERS_DIR := .atp/peers
CODE := atp_stream benchmarks chaos tests tools
SEED := 1
MINUTES := 4
BROKERS := 1

.PHONY: demo pictures test chaos bench lint lint-rules lint-format lint-types lint-imports format docs site lock-java lock-python nightly nightly-laws nightly-streams nightly-brokers mutate coverage sbom licences install install-dev java clean help
.DEFAULT_GOAL := test

# $(error) prints one line for a person and nothing after it.
need-python = $(if $(shell $(PYTHON) -c 'import sys, venv; print("1" if sys.version_info >= (3, 11) else "")' 2>/dev/null),,\
  $(error Python 3.11 or newer with its venv module is needed, "$(PYTHON)" is not: install python3 and python3-venv, or run `make PYTHON=python3.11`))
java-major = $(shell javac -version 2>&1 | sed -n 's/^javac \(1\.\)\{0,1\}\([0-9]*\).*/\2/p')
need-jdk = $(if $(filter-out 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16,$(java-major)),,\
  $(error A JDK of Java 17 or newer is needed for the Kafka Streams program, found $(or $(java-major),none): install one, e.g. openjdk-17-jdk-headless))
maven-minor = $(shell mvn -version 2>/dev/null | sed -n 's/.*Apache Maven \(3\.[0-9]*\|[4-9]\).*/\1/p' | head -n 1)
need-maven = $(if $(filter-out 3.0 3.1 3.2 3.3 3.4 3.5,$(maven-minor)),,\
  $(error Maven 3.6 or newer is needed for the Kafka Streams program, found $(or $(maven-minor),none): install it, e.g. the package maven))

fetch-java = @$(BIN)/atp stack fetch >&2

# The @ keeps make from printing the command: the output of `make demo ARGS=--json` is JSON only.
demo: install
	@$(BIN)/atp demo $(ARGS)

test: install-dev
	$(fetch-java)
	$(BIN)/python -m pytest $(ARGS)

chaos: install-dev
	$(fetch-java)
	$(BIN)/python -m chaos --seed $(SEED) --minutes $(MINUTES) --brokers $(BROKERS) $(ARGS)

# Peers are compiled only if they are measured: PARTS names "peers" or "latency", or is not given.
bench: install-dev $(if $(filter peers latency,$(or $(PARTS),peers)),$(PEERS_DIR)/kafka_streams/.built)
	$(fetch-java)
	N=$(N) PARTS="$(PARTS)" WORKLOADS="$(WORKLOADS)" REPEAT=$(REPEAT) RATES="$(RATES)" DURATION=$(DURATION) ROWS="$(ROWS)" ROUNDS=$(ROUNDS) CHECK=$(CHECK) ITEMS=$(ITEMS) BEFORE=$(BEFORE) \
	  $(BIN)/python -m benchmarks

# Each check is a target of its own, so that `make --keep-going lint` shows all findings.
lint: lint-rules lint-format lint-types lint-imports site
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
	$(BIN)/python -m tools.reference
pictures: install-dev
	$(fetch-java)
	$(BIN)/python -m tools.pictures
# Quiet if all is well; otherwise it runs again and names the broken links and anchors.
site: install-dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict || NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
lock-java: install-dev
	$(BIN)/python -m tools.lock

# Exact versions and their hashes for every platform and Python, without addresses: pip's own settings say where from.
compile = $(UV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
  --annotation-style line --custom-compile-command 'make lock-python' $(ARGS) --output-file requirements
lock-python: $(UV)/bin/uv
	$(compile)/dev.lock --extra stack --group dev pyproject.toml
	$(compile)/demo.lock --constraint requirements/dev.lock --extra stack --group build pyproject.toml
	$(compile)/product.lock --constraint requirements/dev.lock pyproject.toml
	$(compile)/build.lock --constraint requirements/dev.lock --group build
	$(compile)/mutate.lock --group mutate
	$(compile)/sbom.lock --group sbom
$(UV)/bin/uv:
	$(need-python)@$(PYTHON) -m venv $(UV)
	@$(UV)/bin/python $(PIP) 'uv==0.13.9'

# Each part is a target of its own, as in `make lint`. Together they take about four hours of one core, and some ten
# minutes on the real stack. The statistics say how many histories there were, and in how many of them what happened.
nightly: nightly-laws nightly-streams nightly-brokers
nightly-laws: install-dev
	$(BIN)/python -m pytest tests/domain tests/web/test_dates.py --hypothesis-profile=nightly --hypothesis-show-statistics --timeout=0 $(ARGS)
nightly-streams: install-dev
	$(fetch-java)
	$(BIN)/python -m pytest tests/system -m nightly $(ARGS)
nightly-brokers: install-dev
	$(fetch-java)
	$(BIN)/python -m chaos --seed $(SEED) --minutes 4 --brokers 3

# mutmut has an environment of its own; pyproject.toml says why.
mutate: $(MUTATE)/.installed
	$(MUTATE)/bin/mutmut run $(ARGS)
	@$(MUTATE)/bin/mutmut results | sed '/: not checked$$/d'
$(MUTATE)/.installed: requirements/mutate.lock
	$(need-python)@$(PYTHON) -m venv $(MUTATE)
	@$(MUTATE)/bin/python $(LOCKED)/mutate.lock
	@touch $@

# Made from the packages that are installed in the image, and no others; their files name their licences.
sbom: $(SBOM)/.installed $(PRODUCT)/.installed
	@mkdir -p build
	@sed 's/^dynamic = \["version"\]$$/version = "$(version)"/' pyproject.toml > build/pyproject.toml
	@$(SBOM)/bin/cyclonedx-py environment --pyproject build/pyproject.toml --mc-type application --output-reproducible \
	  --output-format JSON --output-file build/sbom.json $(PRODUCT)/bin/python
	@echo "build/sbom.json"
licences: $(SBOM)/.installed $(PRODUCT)/.installed
	@$(SBOM)/bin/pip-licenses --python=$(PRODUCT)/bin/python --from=mixed --format=markdown --order=license $(ARGS)
$(SBOM)/.installed: requirements/sbom.lock
	$(need-python)@$(PYTHON) -m venv $(SBOM)
	@$(SBOM)/bin/python $(LOCKED)/sbom.lock
	@touch $@
$(PRODUCT)/.installed: requirements/product.lock $(SBOM)/.installed
	@rm -rf $(PRODUCT) && $(PYTHON) -m venv --without-pip $(PRODUCT)
	@$(SBOM)/bin/python -m pip --python $(PRODUCT)/bin/python $(wordlist 3,99,$(LOCKED))/product.lock
	@touch $@

coverage: install-dev
	$(BIN)/python -m pytest tests/domain --cov=atp_stream.domain --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev
java: install
	$(fetch-java)

$(VENV)/pyvenv.cfg:
	$(need-python)@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements/demo.lock | $(VENV)/pyvenv.cfg
	@echo "installing atp-stream into $(VENV)" >&2
	@$(BIN)/python $(LOCKED)/demo.lock
	@$(BIN)/python $(EDITABLE)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml requirements/dev.lock | $(VENV)/pyvenv.cfg
	@echo "installing atp-stream and its tools into $(VENV)" >&2
	@$(BIN)/python $(LOCKED)/dev.lock
	@$(BIN)/python $(EDITABLE)
	@touch $@ $(VENV)/.installed

$(PEERS_DIR)/kafka_streams/.built: benchmarks/peers/kafka_streams/pom.xml $(wildcard benchmarks/peers/kafka_streams/src/main/java/peers/*)
	$(need-jdk)$(need-maven)@echo "compiling the Kafka Streams peers"
	@mvn -q -B -Dstyle.color=never -f benchmarks/peers/kafka_streams package
	@touch $@

help:
	@sed -n 's/^# make /make /p' Makefile

clean:
	rm -rf $(VENV) .atp mutants build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
