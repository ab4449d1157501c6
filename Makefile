# make quickstart: train a style and stylize a photo.  make test: linters and tests.
# make test-runtimes: exported styles in every runtime, some gigabytes.
# make web: a page in web/dist that stylizes photos in the visitor's own browser.
PYTHON ?= python3
BIN := .venv/bin
PHOTO = $$($(BIN)/python -c "from importlib.resources import files; print(files('skimage') / 'data' / 'astronaut.png')")
say = @printf '\n== %s\n' "$(1)"

.PHONY: quickstart test test-runtimes format web

quickstart: .venv/quickstart
	$(call say,1/2 training a style: two to four minutes on two cores)
	$(BIN)/faststyle train experiment=quickstart
	$(call say,2/2 stylizing a photo)
	$(BIN)/faststyle stylize --ckpt flow_field "$(PHOTO)" --output outputs/quickstart.png
	@echo "Your stylized photo is in outputs/quickstart.png; watch the training with: $(BIN)/tensorboard --logdir outputs"

# One thread in each process: more would wait for each other.
test: .venv/test
	$(call say,1/4 style: ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(call say,2/4 types: mypy)
	$(BIN)/mypy
	$(call say,3/4 which room imports which: import-linter)
	$(BIN)/lint-imports --no-cache
	$(call say,4/4 tests: pytest)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Before each release: every runtime, in environments of their own (some gigabytes).
test-runtimes: .venv/test
	OMP_NUM_THREADS=1 $(BIN)/python scripts/test_runtimes.py

web: .venv/test
	$(BIN)/python scripts/web_styles.py
	cd web && npm ci && npm run build

format: .venv/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What the quickstart needs, and no more.
.venv/quickstart: pyproject.toml
	$(call say,installing what training needs into .venv)
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable ".[train,photos]"
	@touch $@

.venv/test: pyproject.toml
	$(call say,installing everything into .venv)
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable ".[dev]"
	@touch .venv/quickstart $@
