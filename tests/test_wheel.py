"""The wheel by itself: installed where nothing of the clone is in reach."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from faststyle.styles.catalog import SHIPPED
from faststyle.styles.style_file import read_style
from tests.places import CONFIGS, ROOT

Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Call ``faststyle`` from an environment that has the wheel, and what it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # Built by what is installed: a test asks no server.
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, "wheel", *options], check=True)
    [wheel] = folder.glob("faststyle-*.whl")
    environment = folder / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    into = ["--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, *into], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    # Other packages come from here, but no .pth file there is read: not the editable faststyle.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def call(cwd: Path, *words: str) -> str:
        done = subprocess.run(
            [str(environment / "bin" / "faststyle"), *words],
            cwd=cwd,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_the_wheel_has_every_config_and_every_style_that_ships(run: Run, tmp_path: Path) -> None:
    facts = dict(line.split(":", 1) for line in run(tmp_path, "info").splitlines())
    configs = Path(facts["configs"].strip())
    assert ROOT not in configs.parents
    inside = {path.relative_to(configs) for path in configs.rglob("*.yaml")}
    assert inside == {path.relative_to(CONFIGS) for path in CONFIGS.rglob("*.yaml")}
    page, packaged = Path("src/faststyle/apps/page"), configs.parents[1] / "apps" / "page"
    assert {path.name for path in packaged.iterdir()} == {
        path.name for path in (ROOT / page).iterdir()
    }
    listed = {line.split(": ")[0] for line in run(tmp_path, "styles").splitlines()}
    assert SHIPPED - {"gallery", "gallery_small"} <= listed
    assert {"udnie", "gallery_small:udnie"} <= listed, "they lie in the galleries"


def test_the_wheel_stylizes_a_photo(
    run: Run, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    make_photo(tmp_path / "photo.jpg")
    shown = run(tmp_path, "stylize", "--ckpt", "starry_night", "photo.jpg")
    assert shown == "photo.starry_night.jpg\n"
    assert (tmp_path / "photo.starry_night.jpg").is_file()


def test_hydra_finds_the_launcher_of_the_wheel(run: Run, tmp_path: Path) -> None:
    assert "SlurmLauncher" in run(tmp_path, "train", "--info", "plugins")


@pytest.mark.slow
def test_the_wheel_trains_a_style_into_the_working_folder(run: Run, tmp_path: Path) -> None:
    choice = ("experiment=smoke", "style.name=starry_night")
    run(tmp_path, "train", *choice, "export.path=checkpoints/${name}.safetensors")
    style = read_style(tmp_path / "checkpoints" / "starry_night.safetensors")
    assert style.metadata.steps == 6
