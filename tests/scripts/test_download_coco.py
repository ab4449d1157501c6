import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "download_coco.py"


def test_an_unknown_split_is_one_line_and_status_2(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "val2071", "--root", str(tmp_path / "coco")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr == 'error: unknown COCO split "val2071": did you mean "val2017"?\n'
    assert not (tmp_path / "coco").exists()
