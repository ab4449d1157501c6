"""The command line for real: mistakes."""

from pathlib import Path

import pytest

from tests.commands import run_command


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.root=nowhere"], "one folder of pictures for each class"),
        (["schedule=cosin"], 'unknown schedule "cosin": did you mean "cosine"'),
        (["optimizer.learning_rate=1"], 'unknown setting "optimizer.learning_rate"'),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    tmp_path: Path, overrides: list[str], message: str
) -> None:
    result = run_command("train-classifier", *overrides, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_jobs_of_a_sweep_find_the_recipe_from_any_folder(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    sweep = ["-m", "hydra/launcher=slurm", "hydra.launcher.cluster=local"]
    small = ["hydra.launcher.cpus_per_task=1", "data.root=nowhere"]
    result = run_command("train-classifier", *sweep, *small, cwd=tmp_path)
    assert result.returncode == 2
    _, _, log = result.stderr.partition("one's log: ")
    assert "one folder of pictures for each class" in Path(tmp_path, log.strip()).read_text()
