"""The launcher of sweeps without SLURM; tests/cluster/test_slurm.py has it on one."""

import subprocess
from pathlib import Path

import pytest

from tests.commands import run_command
from tests.places import ASSETS

pytest.importorskip("submitit")
SWEEP = ("-m", "experiment=smoke", "trainer.max_steps=1", "hydra/launcher=slurm")


def sweep(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    return run_command("train", *SWEEP, *overrides, cwd=folder)


@pytest.mark.slow
def test_each_run_of_a_sweep_is_a_job(tmp_path: Path) -> None:
    run = sweep(tmp_path, "style.size=32,40", "hydra.launcher.cluster=debug")
    assert run.returncode == 0, run.stderr
    assert "2 jobs: " in run.stdout
    runs = sorted((tmp_path / "outputs" / "flow_field").iterdir())
    assert [path.name[-2:] for path in runs] == ["_0", "_1"]
    assert all((path / "smoke.safetensors").is_file() for path in runs)


@pytest.mark.slow
def test_a_job_that_fails_is_told_with_its_log_and_others_go_on(tmp_path: Path) -> None:
    images = f"style.image=absent.png,{ASSETS / 'flow_field.png'}"
    run = sweep(tmp_path, images, "hydra.launcher.cluster=local")
    assert (run.returncode, "Traceback" in run.stderr) == (2, False)
    assert "error: 1 of 2 jobs failed; one's log: " in run.stderr
    log = Path(run.stderr.split()[-1])
    assert "absent.png" in log.read_text()
    assert len(list(tmp_path.glob("outputs/flow_field/*/smoke.safetensors"))) == 1


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("hydra.launcher.timeout_min=long", '"timeout_min" expected type'),
        ("hydra.launcher.cluster=nowhere", "nowhere"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, setting: str, said: str) -> None:
    run = sweep(tmp_path, "hydra.launcher.cluster=local", setting)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert said in run.stderr


def test_options_of_sbatch_are_settings(tmp_path: Path) -> None:
    options = {"partition": "gpus", "additional_parameters": "{mail-type:END}", "setup": "[hi]"}
    given = [f"hydra.launcher.{name}={value}" for name, value in options.items()]
    run = sweep(tmp_path, "hydra.launcher.cluster=debug", *given)
    assert run.returncode == 0, run.stderr


def test_without_slurm_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    run = sweep(tmp_path)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1), run.stderr
    assert "srun" in run.stderr
