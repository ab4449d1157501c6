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
