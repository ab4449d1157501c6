import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faststyle.config import runs
from faststyle.config.runs import run_name
from faststyle.core.errors import UserError

SCHEDULERS = ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_PROCID", "RANK", "LOCAL_RANK")


@pytest.fixture(autouse=True)
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(runs, "OUTPUTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["train", "style=night"])
    for name in SCHEDULERS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_new_run_is_named_by_style_and_time() -> None:
    assert run_name("night", None).startswith("night/2")
    assert run_name("night", None, 3).endswith("_3")


def test_a_resumed_run_keeps_the_folder_of_the_newest(
    outputs: Path,
) -> None:
    for age, name in enumerate(("b", "a", "c")):
        path = outputs / "night" / name / "checkpoints" / "last.ckpt"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (1e9 - age, 1e9 - age))
    (outputs / "night" / "newer_without_checkpoint").mkdir()
    assert run_name("night", "last") == "night/b"
    assert run_name("day", "last").startswith("day/2")


def test_machines_that_torchrun_joins_call_a_run_by_its_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GROUP_WORLD_SIZE", "2")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "job7")
    assert run_name("night", "auto", 3) == "night/job7_3"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    with pytest.raises(UserError, match="--rdzv_id=NAME"):
        run_name("night", None)


def test_runs_that_begin_at_once_have_folders_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "90")
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: run_name("night", None), range(12)))
    assert sorted(names) == sorted(
        ["night/slurm_90", *(f"night/slurm_90_{number}" for number in range(2, 13))]
    )


def test_a_second_run_of_a_job_says_which_folder_it_has(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "90")
    monkeypatch.setattr(sys, "argv", ["train", "seed=1"])
    assert run_name("night", "auto") == "night/slurm_90"
    assert not caplog.messages
    monkeypatch.setattr(sys, "argv", ["train", "seed=2"])
    assert run_name("night", "auto") == "night/slurm_90_2"
    [said] = caplog.messages
    assert said.endswith("this run is " + str(runs.OUTPUTS / "night" / "slurm_90_2"))


def test_a_jobs_next_turn_goes_on_in_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "90")
    first = run_name("night", "auto")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert run_name("night", "auto") == first
    assert run_name("night", None) != first


def test_a_folder_of_before_there_were_claims_goes_on(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "90")
    (outputs / "night" / "slurm_90" / "checkpoints").mkdir(parents=True)
    assert run_name("night", "auto") == "night/slurm_90"
    assert run_name("night", None) == "night/slurm_90_2"


def test_other_processes_of_a_run_find_what_the_first_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "90")
    for step in ("0", "1"):
        monkeypatch.setenv("SLURM_STEP_ID", step)
        monkeypatch.setenv("SLURM_PROCID", "0")
        first = run_name("night", None)
        monkeypatch.setenv("SLURM_PROCID", "1")
        assert run_name("night", None) == first


def test_a_process_that_sees_no_claim_takes_the_name_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "_CLAIM_SECONDS", 0.2)
    monkeypatch.setenv("SLURM_JOB_ID", "90")
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert run_name("night", None) == "night/slurm_90"


def test_showing_settings_claims_nothing(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["train", "--cfg", "all"])
    run_name("night", None)
    assert not list(outputs.iterdir())
