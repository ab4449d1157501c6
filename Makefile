# make quickstart: train a style and stylize a photo.  make test: linters and tests.
# make web: a page in web/dist that stylizes photos in the visitor's own browser.
PYTHON ?= python3
BIN := .venv/bin
PHOTO = $$($(BIN)/python -c "from importlib.resources import files; print(files('skimage') / 'data' / 'astronaut.png')")

.PHONY: quickstart test format web

quickstart: .venv/installed
	$(BIN)/python scripts/train.py experiment=quickstart
	$(BIN)/python scripts/infer.py --ckpt checkpoints/flow_field.safetensors "$(PHOTO)" --output outputs/quickstart.png
	@echo "Your stylized photo is in outputs/quickstart.png; watch the training with: $(BIN)/tensorboard --logdir outputs"

# One thread in each process: more would wait for each other.
test: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

web: .venv/installed
	$(BIN)/python scripts/web_styles.py
	cd web && npm ci && npm run build

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable ".[dev]"
	@touch $@
