from pathlib import Path

from tests.commands import run_command


def test_an_unknown_split_is_one_line_and_status_2(tmp_path: Path) -> None:
    run = run_command("download-coco", "val2071", "--root", tmp_path / "coco")
    assert run.returncode == 2
    assert run.stderr == 'error: unknown COCO split "val2071": did you mean "val2017"?\n'
    assert not (tmp_path / "coco").exists()
