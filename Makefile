# Everything that is done with this repository. `make` alone lists the targets.
#
# A machine needs only Python >= 3.11. An environment is made once and holds a stamp, so that `make run` starts the
# service at once until a lock or pyproject.toml is newer than the stamp.
# Works with the make that macOS ships (3.81), and in paths with spaces.

VENV := .venv
BIN := $(VENV)/bin
TRAIN_VENV := .venv-train
LOCK_VENV := .venv-lock
PEERS_VENV := .venv-peers

# The registry's build brings CUDA along; a CPU build that pip is configured to find satisfies this as well.
TORCH := torch==2.13.0
# The resolver that `make lock` runs. It is in no lock: neither the service nor the tests need it.
RESOLVER := uv==0.13.8

# -qq: errors only. pip's warnings are about the machine's package sources and not about this project.
PIP_INSTALL = python -m pip install -qq --disable-pip-version-check --no-input
HASHED = --require-hashes --requirement

# Whether .venv belongs to another checkout (this one was moved or copied) or its Python is gone: its scripts would run
# the old code, or nothing.
STALE := $(shell [ -x $(BIN)/python ] && [ "$$(cat $(VENV)/.checkout 2>/dev/null)" = "$(CURDIR)" ] || echo stale)
TRAIN_STALE := $(shell [ "$$(cat $(TRAIN_VENV)/.checkout 2>/dev/null)" = "$(CURDIR)" ] || echo stale)

.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: help setup setup-test setup-train run train test test-cluster check check-training lint format types imports manifests repository \
    fairness peers bench docs soak hostile fuzz sbom audit lock clean stale

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

# ---- environments

# $(call make_venv,DIRECTORY,FLAGS): a virtual environment by $(PYTHON), or by the first Python here that is new enough.
define make_venv
for python in $(if $(PYTHON),'$(PYTHON)',python3 python3.14 python3.13 python3.12 python3.11); do \
    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
        exec "$$python" -m venv $(2) $(1); \
    fi; \
done; \
echo "Mien needs Python 3.11 or newer, and found none ($(or $(PYTHON),python3): $$('$(or $(PYTHON),python3)' --version 2>&1))." \
    "Install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1
endef

# Cleared only if this file made it (.checkout is there): another environment may be in use.
$(VENV)/.checkout: $(STALE)
	@$(call make_venv,$(VENV),$$([ ! -e $(VENV)/.checkout ] || echo --clear))
	@printf '%s' "$(CURDIR)" > $@

# The build backend comes from its lock too, so that pip fetches no build environment.
$(VENV)/.base: $(VENV)/.checkout requirements/base.txt requirements/build.txt pyproject.toml
	@echo "Setting up $(VENV) (half a minute the first time)"
	@$(BIN)/$(PIP_INSTALL) $(HASHED) requirements/build.txt $(HASHED) requirements/base.txt
	@$(BIN)/$(PIP_INSTALL) --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.base requirements/test.txt
	@echo "Adding what the tests need to $(VENV)"
	@$(BIN)/$(PIP_INSTALL) $(HASHED) requirements/test.txt
	@touch $@

$(TRAIN_VENV)/.train: $(TRAIN_STALE) requirements/train.txt requirements/build.txt pyproject.toml
	@echo "Setting up $(TRAIN_VENV) with $(TORCH) (minutes the first time)"
	@$(call make_venv,$(TRAIN_VENV),)
	@$(TRAIN_VENV)/bin/$(PIP_INSTALL) $(HASHED) requirements/build.txt $(HASHED) requirements/train.txt
	@$(TRAIN_VENV)/bin/$(PIP_INSTALL) '$(TORCH)'
	@$(TRAIN_VENV)/bin/$(PIP_INSTALL) --no-deps --no-build-isolation --no-index --editable .
	@printf '%s' "$(CURDIR)" > $(TRAIN_VENV)/.checkout
	@touch $@

$(TRAIN_VENV)/.test: $(TRAIN_VENV)/.train requirements/test.txt
	@$(TRAIN_VENV)/bin/$(PIP_INSTALL) $(HASHED) requirements/test.txt
	@touch $@

setup: $(VENV)/.base ## make .venv and install the locked requirements of the service
setup-test: $(VENV)/.test ## the same, with what the tests and checks need
setup-train: $(TRAIN_VENV)/.train ## make .venv-train, with torch, for the programs under training/

# ---- the service

run: $(VENV)/.base ## serve on http://127.0.0.1:8000 (HOST=... PORT=... change that)
	@exec $(BIN)/mien serve $(if $(HOST),--host '$(HOST)') $(if $(PORT),--port '$(PORT)')

# ---- the models

# The C library returns each layer's memory to the system and asks for it again, a page at a time: a tenth of the time.
TRAIN_MALLOC := glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184:glibc.malloc.top_pad=268435456

train: $(TRAIN_VENV)/.train ## make a model: MODEL=emotion or face-detector (RECIPE=small, DATA=, DEVICE=, STORE=, VERSION=)
	@case '$(MODEL)' in emotion) package=emotion ;; face-detector) package=detector ;; \
	    *) echo "Name a model: make train MODEL=emotion, or MODEL=face-detector" >&2; exit 2 ;; esac; \
	export GLIBC_TUNABLES=$(TRAIN_MALLOC); \
	exec $(TRAIN_VENV)/bin/python -m training.$$package $(if $(RECIPE),--recipe '$(RECIPE)') \
	    $(if $(DATA),--data '$(DATA)') $(if $(DEVICE),--device '$(DEVICE)') \
	    $(if $(STORE),--store '$(STORE)') $(if $(VERSION),--version '$(VERSION)')

# ---- checks and tests

# pytest exits with 5 when it collected nothing: a failure as well.
test: check ## everything that CI runs: the static checks, then the tests (PYTEST_ARGS=... is passed on)
	@$(BIN)/python -m pytest $(PYTEST_ARGS) || { status=$$?; \
	    [ $$status -ne 5 ] || echo "No test ran: check tests/ and PYTEST_ARGS." >&2; exit $$status; }
	@$(if $(PYTEST_ARGS),,$(MAKE) --no-print-directory check-training)

test-cluster: $(VENV)/.test ## tests of several processes and hosts over one database, which take minutes
	@$(BIN)/python -m pytest -m cluster $(PYTEST_ARGS)

check: lint format types imports manifests repository ## the static checks: lint, types, layers, manifests, locks

lint: $(VENV)/.test
	@$(BIN)/ruff check --quiet .
	@$(BIN)/shellcheck .ci/run
	@$(BIN)/hadolint Dockerfile

format: $(VENV)/.test
	@$(BIN)/ruff format --quiet --diff .

types: $(VENV)/.test
	@$(BIN)/mypy -p mien -p tools -p benchmarks

# $(call quietly,COMMAND): its output is shown only when it fails.
quietly = report=$$($(1) 2>&1) || { echo "$$report" >&2; exit 1; }

imports: $(VENV)/.test
	@$(call quietly,$(BIN)/lint-imports)
	@echo "Import contracts: OK"

# 1.30 is the first Kubernetes that has preStop.sleep by default, 1.37 the newest whose schemas are here. A patch is no
# whole manifest: its name ends in -patch.yaml. A kind without a schema is only a warning to kubernetes-validate.
manifests: $(VENV)/.test
	@$(call quietly,$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml)
	@$(call quietly,$(BIN)/check-jsonschema --schemafile deploy/schemas/prometheus.json deploy/prometheus/prometheus.yml)
	@$(call quietly,$(BIN)/check-jsonschema --schemafile deploy/schemas/alerts.json deploy/prometheus/alerts.yml)
	@$(call quietly,find deploy/kubernetes -name kustomization.yaml \
	    -exec $(BIN)/check-jsonschema --schemafile deploy/schemas/kustomization.json {} +)
	@$(call quietly,find deploy/kubernetes -name '*.yaml' ! -name kustomization.yaml ! -name '*-patch.yaml' \
	    -exec $(BIN)/kubernetes-validate --strict --quiet -k 1.30 -k 1.37 {} +) && \
	    { [ -z "$$report" ] || { echo "$$report" >&2; exit 1; }; }
	@echo "Deployment manifests: OK"

repository: $(VENV)/.test
	@$(BIN)/python -m tools.check

check-training: $(TRAIN_VENV)/.test ## types and tests of training/, and both small recipes
	@$(TRAIN_VENV)/bin/python -m mypy -p training
	@$(TRAIN_VENV)/bin/python -m pytest -q tests/unit/training tests/training

# Other libraries, each in an environment of its own: their requirements contradict one another.
PEER_REQUIREMENTS := benchmarks/speed/peers/requirements
$(PEERS_VENV)/%/.ready: $(PEER_REQUIREMENTS)/%.txt
	@echo "Setting up $(@D)"
	@$(call make_venv,$(@D),)
	@$(@D)/bin/$(PIP_INSTALL) --requirement $<
	@touch $@

fairness: $(VENV)/.test $(PEERS_VENV)/mediapipe/.ready ## what the models answer for different people (docs/fairness.md)
	@mkdir -p build
	@$(PEERS_VENV)/mediapipe/bin/python benchmarks/smile_strength.py ../shared/data/london >build/strengths.json
	@$(BIN)/python -m benchmarks.fairness --strengths build/strengths.json

# What cannot be installed here is left out; the table says so.
peers: $(VENV)/.test ## speed beside other libraries: makes their environments, prints the table, draws the chart
	@for name in fer mediapipe uniface yunet chart; do \
	    $(MAKE) --no-print-directory $(PEERS_VENV)/$$name/.ready || echo "$$name is left out" >&2; \
	done
	@mkdir -p build
	@$(BIN)/python -m benchmarks.speed.peers --results build/peers.json
	@$(PEERS_VENV)/chart/bin/python -m benchmarks.speed.peers.chart build/peers.json build/peers.svg

hostile: $(VENV)/.test ## 20,000 broken pictures and 2,000 broken clips against a real server
	@$(BIN)/python -m benchmarks.hostile

# Not locked: it is for this program alone, and only some systems and Pythons have it.
ATHERIS := atheris==3.0.0
fuzz: $(VENV)/.test ## an hour of fuzzing of our own parsers, guided by coverage (MINUTES=60)
	@$(BIN)/$(PIP_INSTALL) '$(ATHERIS)'
	@nice $(BIN)/python -m tests.fuzz --minutes '$(or $(MINUTES),60)'

# --strict: a warning fails. The variable silences material's notice about a next mkdocs, which is no warning of ours.
docs: $(VENV)/.test ## the documentation as a site, in build/site; nothing in it comes from another host
	@NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict --quiet

sbom: $(VENV)/.test ## list what is shipped, as CycloneDX, in build/sbom.cdx.json
	@$(BIN)/python -m tools.sbom

audit: $(VENV)/.test ## known vulnerabilities of what is shipped; skipped where the index does not answer
	@$(BIN)/python -m tools.audit

bench: $(VENV)/.test ## every program under benchmarks/, one after the other
	@set -e; for file in $$(grep -l __main__ benchmarks/*.py | grep -v 'soak\|hostile\|smile\|same_') benchmarks/search benchmarks/speed; do \
	    echo "== $$file"; $(BIN)/python -m "$$(echo "$${file%.py}" | tr / .)"; \
	done

soak: $(VENV)/.test ## an hour at 90 % of capacity with workers that hang and clients that vanish (MINUTES=60)
	@$(BIN)/python -m benchmarks.soak --minutes '$(or $(MINUTES),60)'

# ---- upkeep

# One resolution serves every platform and every Python from 3.11, so that a laptop, CI and the image run the same
# releases; base.txt constrains the rest, so that the tests run what the service runs. Without this machine's
# configuration, and told to write down no index, the resolver leaves no address in a lock.
COMPILE = $(LOCK_VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --fork-strategy fewest \
    --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
    $(if $(UPGRADE),--upgrade)
CONSTRAINED = $(COMPILE) --constraints requirements/base.txt
# The tests install both: a release that only one of them allows (boto3 holds python-dateutil back) is in neither.
CONSTRAINED_BASE = $(COMPILE) --constraints requirements/test.txt
BUILD_REQUIRES = import tomllib; \
    print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")

# torch is left out of train.txt and installed by name: its builds differ by gigabytes and a dozen CUDA packages, and
# which one is right depends on the machine.
lock: $(LOCK_VENV)/.lock ## remake requirements/*.txt from pyproject.toml (UPGRADE=1 takes newer releases)
	@$(COMPILE) pyproject.toml --extra test --output-file requirements/test.txt
	@$(CONSTRAINED_BASE) pyproject.toml --output-file requirements/base.txt
	@$(LOCK_VENV)/bin/python -c '$(BUILD_REQUIRES)' | $(CONSTRAINED) - --output-file requirements/build.txt
	@echo torch | $(CONSTRAINED) pyproject.toml --extra train --excludes - --output-file requirements/train.txt

$(LOCK_VENV)/.lock: Makefile
	@$(call make_venv,$(LOCK_VENV),)
	@$(LOCK_VENV)/bin/$(PIP_INSTALL) $(RESOLVER)
	@touch $@

clean: ## remove .venv and every cache; training runs and their environment stay
	rm -rf $(VENV) $(LOCK_VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find service tools tests training benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
