import pytest

from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.training.engine import task

CHANGED = {
    "accumulate_grad_batches": 2,
    "limit_train_batches": 3,
    "overfit_batches": 1,
    "fast_dev_run": True,
    "max_epochs": 2,
    "min_epochs": 1,
    "min_steps": 5,
    "use_distributed_sampler": True,
    "reload_dataloaders_every_n_epochs": 1,
    "barebones": True,
    "enable_checkpointing": False,
}


@pytest.fixture(autouse=True)
def no_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_NTASKS", "SLURM_NTASKS_PER_NODE", "SLURM_JOB_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("name", "value"), CHANGED.items())
def test_a_setting_that_changes_what_a_step_is_is_refused(name: str, value: object) -> None:
    with pytest.raises(UserError, match=rf"^trainer\.{name}={value} is not for these runs: "):
        task.check_trainer({name: value})


@pytest.mark.parametrize("trainer", ["auto", "cpu", "gpu", "ddp", "slurm"])
def test_the_trainers_that_ship_are_taken(trainer: str) -> None:
    cfg = compose_config("train", [f"trainer={trainer}", "style=starry_night"])
    task.check_trainer(cfg.trainer)


def test_settings_that_change_no_step_are_taken() -> None:
    task.check_trainer(
        {"gradient_clip_val": 1.0, "limit_val_batches": 2, "max_time": "00:01:00:00"}
    )


def test_tasks_of_slurms_without_their_number_on_a_machine_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "4")
    with pytest.raises(UserError, match=r"--ntasks=4 .*--ntasks-per-node=M and start by srun"):
        task.check_trainer({})
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "4")
    task.check_trainer({})
