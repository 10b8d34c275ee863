# Two commands do everything: `make train` and `make test`. Each makes .venv first.
PYTHON ?= python3
RECIPE ?= pocket
BIN := .venv/bin
READY := .venv/ready

.PHONY: setup train test lint format bench bench-sensitivity bench-watchdog bench-recipes bench-studies bench-web bench-quality bench-peers screenshots clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# make train RECIPE=mlp FLAGS='--duration "2 epochs"'
train: $(READY)
	$(BIN)/pocketgan train $(RECIPE) $(FLAGS)

test: lint
	$(BIN)/pytest -n auto

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/evaluation.py

bench-sensitivity: $(READY)
	$(BIN)/python benchmarks/sensitivity.py

bench-watchdog: $(READY)
	$(BIN)/python benchmarks/watchdog.py

bench-recipes: $(READY)
	$(BIN)/python benchmarks/recipes.py

bench-studies: $(READY)
	$(BIN)/python benchmarks/studies.py

bench-web: $(READY)
	$(BIN)/python benchmarks/web.py

# Pictures of the page for docs/, from a folder of tiny runs that it makes first.
screenshots: $(READY)
	$(BIN)/python docs/screenshots.py

# The textbook peers need TensorFlow, which gets an environment of its own.
PEERS := .venv-peers/ready
$(PEERS): benchmarks/peers/requirements.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements.txt
	@touch $@

bench-peers: $(READY) $(PEERS)
	$(BIN)/python benchmarks/against_peers.py

bench-quality: $(READY) $(PEERS)
	$(BIN)/python benchmarks/quality.py

clean:
	rm -rf .venv .venv-peers build dist .pytest_cache .ruff_cache
