"""scripts/slurm/train.sbatch and hydra/launcher=slurm on a real SLURM (see conftest.py)."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from faststyle.styles import read_style

ROOT = Path(__file__).resolve().parents[2]
Environment = dict[str, str]
pytestmark = pytest.mark.slow
SETTINGS = [
    "experiment=smoke",
    "trainer.max_steps=60",
    "checkpoint_every_n_steps=5",
    "export.path=${output_dir}/out.safetensors",
    "export.half=false",
]


def slurm_do(environment: Environment, *command: str) -> str:
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def submit(environment: Environment, folder: Path, nodes: int = 1) -> tuple[str, Path]:
    """A job of two tasks: the number and the folder of its run."""
    script = (ROOT / "scripts" / "slurm" / "train.sbatch").read_text()
    # The three lines that a user edits, and where this clone has its Python.
    tasks = f"--ntasks-per-node={2 // nodes} --nodes={nodes}"
    script = script.replace("--ntasks-per-node=1 --nodes=1", tasks)
    script = re.sub(r"#SBATCH --gpus-per-task=1 .*", "#SBATCH --cpus-per-task=1", script)
    script = script.replace(".venv/bin/python scripts", f"{sys.executable} {ROOT}/scripts")
    path = folder / "train.sbatch"
    path.write_text(script)
    log = f"--output={folder}/%j.log"
    printed = slurm_do(environment, "sbatch", f"--chdir={folder}", log, str(path), *SETTINGS)
    job = printed.split()[-1]
    return job, folder / "outputs" / "flow_field" / f"slurm_{job}"


def wait_for(condition: Callable[[], bool], what: Callable[[], str], seconds: int = 150) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.2)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return read_style(run / "out.safetensors").network.state_dict()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def undisturbed(slurm: Environment, folder: Path) -> dict[str, torch.Tensor]:
    environment = {**slurm, "FASTSTYLE": str(folder)}
    job, run = submit(environment, folder)
    log = folder / f"{job}.log"
    wait_for((run / "out.safetensors").exists, lambda: log.read_text() if log.exists() else "")
    return weights(run)


@pytest.mark.parametrize(("how", "nodes"), [("preempted", 1), ("out of time", 1), ("node down", 2)])
def test_a_job_that_is_stopped_goes_on_to_the_weights_of_an_undisturbed_one(
    slurm: Environment, folder: Path, undisturbed: dict[str, torch.Tensor], how: str, nodes: int
) -> None:
    environment = {**slurm, "FASTSTYLE": str(folder)}
    job, run = submit(environment, folder, nodes)
    log = folder / f"{job}.log"

    def said() -> str:
        return log.read_text() if log.exists() else "nothing"

    wait_for((run / "checkpoints" / "last.ckpt").exists, said)
    if how == "preempted":
        slurm_do(environment, "scontrol", "requeue", job)
    elif how == "node down":
        for state in ("down", "resume"):
            change = ["nodename=node2", f"state={state}", "reason=repair"]
            slurm_do(environment, "scontrol", "update", *change)
    else:  # what --signal=USR1@120 does two minutes before the end
        slurm_do(environment, "scancel", "--signal=USR1", job)
    wait_for((run / "out.safetensors").exists, said)
    assert "stopped at step" in said()
    assert "resuming from" in said()
    found = weights(run)
    assert all(torch.equal(undisturbed[key], found[key]) for key in undisturbed)
    assert len(list(run.glob("events.*"))) == 2, "one for each turn, in one folder"


def sweep(environment: Environment, folder: Path, *overrides: str) -> subprocess.Popen[str]:
    """A sweep on its way, of runs of one process each."""
    command = [sys.executable, "-m", "faststyle", "train", "-m", *SETTINGS, "resume=auto"]
    command += ["hydra/launcher=slurm", "hydra.launcher.cpus_per_task=1", *overrides]
    out, err = subprocess.PIPE, subprocess.STDOUT
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=out, stderr=err)


def test_a_sweep_becomes_jobs_of_an_array(slurm: Environment, tmp_path: Path) -> None:
    image = ROOT / "src" / "faststyle" / "assets" / "flow_field.png"
    styles = ["style=flow_field,mine", f"style.image={image}", "trainer.max_steps=3"]
    with sweep(slurm, tmp_path, *styles) as run:
        said, _ = run.communicate()
    assert run.returncode == 0, said
    exported = sorted(path.parts[-3] for path in tmp_path.glob("outputs/*/*/out.safetensors"))
    assert exported == ["flow_field", "mine"]


def test_a_job_of_a_sweep_that_is_out_of_time_goes_on(slurm: Environment, tmp_path: Path) -> None:
    with sweep(slurm, tmp_path) as run:
        begun = "outputs/flow_field/slurm_*/checkpoints/last.ckpt"
        wait_for(lambda: bool(list(tmp_path.glob(begun))), lambda: "it did not begin")
        [job] = slurm_do(slurm, "squeue", "--noheader", "--format=%i").split()
        slurm_do(slurm, "scancel", "--signal=USR1", job)
        said, _ = run.communicate()
    assert run.returncode == 0, said
    [out] = tmp_path.glob("outputs/flow_field/slurm_*/out.safetensors")
    assert "stopped at step" in (out.parent / "train.log").read_text()
    assert len(list(out.parent.glob("events.*"))) == 2, "one for each turn, in one folder"
