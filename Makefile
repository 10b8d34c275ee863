# Two commands do everything: `make train` and `make test`. Each makes .venv first, with what it takes.
PYTHON ?= python3
RECIPE ?= pocket
BIN := .venv/bin
READY := .venv/ready
READY_DEV := .venv/ready-dev
PIP = $(BIN)/pip install --quiet --disable-pip-version-check

# Python keeps what it has compiled: a test process then starts in half the time.
unexport PYTHONDONTWRITEBYTECODE
# Tests write tens of thousands of small files: in memory, where there is room, and not on a disk.
export PYTEST_DEBUG_TEMPROOT ?= $(shell [ "$$(df -k /dev/shm 2>/dev/null | awk 'END {print $$4}')" -gt 4000000 ] 2>/dev/null && echo /dev/shm)

.PHONY: setup setup-dev train test test-quick test-slow test-types test-notebooks test-other-packages test-all docs dist lint format texts bench bench-sensitivity bench-spaces bench-sizes bench-watchdog bench-recipes bench-studies bench-web bench-quality bench-peers bench-busy bench-reliability screenshots clean

setup: $(READY)

setup-dev: $(READY_DEV)

# What training takes; PyTorch's CPU build where there is no NVIDIA driver, if it can be had.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	@torch="$$($(PYTHON) tools/torch_build.py constraints.txt)"; \
	if [ -n "$$torch" ]; then $(PIP) $$torch || echo "going on with pip's own choice of PyTorch"; fi
	$(PIP) -c constraints.txt -e .
	@touch $@

# And what the tests take.
$(READY_DEV): $(READY)
	$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

# make train RECIPE=mlp FLAGS='--duration "2 epochs"'
train: $(READY)
	$(BIN)/pocketgan train $(RECIPE) $(FLAGS)

# What a change usually breaks; the checks of types, in one process, run beside the tests.
test: $(READY_DEV)
	@$(MAKE) --no-print-directory -j 2 lint test-quick

test-quick: $(READY_DEV)
	$(BIN)/pytest -n auto --dist worksteal -m "not slow and not notebook and not other_packages"

# The rest: every recipe killed, exported and served, all languages, pages in a browser. Many of these tests wait for
# other processes, so there is one process of tests more than cores.
test-slow: $(READY_DEV)
	CHECK_TYPES= $(BIN)/pytest -n $(MORE) --dist worksteal -m slow
MORE := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

# Training, pictures and evaluation with the shapes and types of every call checked.
test-types: $(READY_DEV)
	CHECK_TYPES=pocketgan $(BIN)/pytest -n auto -m "not slow" $(addprefix tests/test_,$(addsuffix .py,$(CHECKED)))
CHECKED := train resume evaluation pictures picture_commands translator unpaired augment few_images recording

# Each notebook in `examples/notebooks`, for up to a minute each.
test-notebooks: $(READY_DEV)
	$(BIN)/pytest -m notebook

# Keras, Lightning, W&B, Trackio and MLflow: an environment of their own, in which .venv's packages are seen, too.
OTHER := .venv-other/ready
$(OTHER): $(READY_DEV) tests/other-packages.txt
	$(PYTHON) -m venv .venv-other
	@purelib='import sysconfig; print(sysconfig.get_path("purelib"))'; \
	echo "import site; site.addsitedir('$$($(BIN)/python -c "$$purelib")')" \
		> "$$(.venv-other/bin/python -c "$$purelib")/dev.pth"
	.venv-other/bin/pip install --quiet --disable-pip-version-check -r tests/other-packages.txt
	@touch $@

test-other-packages: $(OTHER)
	.venv-other/bin/python -m pytest -m other_packages

test-all: test test-slow test-types test-notebooks test-other-packages docs

# The documentation's site, in build/site; the reference's pages and the picture of the layers are made of the code.
docs: $(READY_DEV)
	$(BIN)/python tools/reference.py
	$(BIN)/python tools/train_fields.py
	$(BIN)/python tools/layers.py
	$(BIN)/sphinx-build -W -q -c docs -d build/doctrees . build/site
	@echo "build/site/index.html"

# A wheel and an sdist, in dist.
dist: $(READY_DEV)
	$(BIN)/python -m build

lint: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/codespell src docs tools benchmarks examples README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md
	@if command -v vale >/dev/null; then vale --glob='!{docs/adr/*,docs/README.*,docs/project/style.md}' $(PAGES); fi
PAGES := README.md CONTRIBUTING.md SECURITY.md docs

format: $(READY_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Brings the translations' catalogues up to date, and lists the texts that have no translation.
texts: $(READY_DEV)
	$(BIN)/python tools/catalogues.py

bench: $(READY_DEV)
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/evaluation.py

bench-sensitivity: $(READY_DEV)
	$(BIN)/python benchmarks/sensitivity.py

# How alike feature spaces order damaged images, from the rows measured before; see the file for how to measure.
bench-spaces: $(READY_DEV)
	$(BIN)/python benchmarks/feature_spaces.py table

# The table of data sets and sizes, from the rows measured before; see the file for how to measure.
bench-sizes: $(READY_DEV)
	$(BIN)/python benchmarks/sizes.py table

bench-watchdog: $(READY_DEV)
	$(BIN)/python benchmarks/watchdog.py --out runs/watchdog

bench-recipes: $(READY_DEV)
	$(BIN)/python benchmarks/recipes.py

# Processes killed, files damaged, disks full.
bench-reliability: $(READY_DEV)
	$(BIN)/python benchmarks/reliability.py --out reliability

bench-busy: $(READY_DEV)
	$(BIN)/python benchmarks/busy.py

bench-studies: $(READY_DEV)
	$(BIN)/python benchmarks/studies.py

bench-web: $(READY_DEV)
	$(BIN)/python benchmarks/web.py

# Pictures of the page for docs/, from a folder of tiny runs that it makes first.
screenshots: $(READY_DEV)
	$(BIN)/python docs/screenshots.py

# The textbook peers need TensorFlow, which gets an environment of its own.
PEERS := .venv-peers/ready
$(PEERS): benchmarks/peers/requirements.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements.txt
	@touch $@

bench-peers: $(READY_DEV) $(PEERS)
	$(BIN)/python benchmarks/against_peers.py

bench-quality: $(READY_DEV) $(PEERS)
	$(BIN)/python benchmarks/quality.py

clean:
	rm -rf .venv .venv-other .venv-peers build dist .pytest_cache .ruff_cache
