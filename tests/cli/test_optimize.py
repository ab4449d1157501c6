"""The command line for real: mistakes and signals."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faststyle.images.files import load_picture
from tests.commands import run_command, start_command

SMALL = ("style=flow_field", "style.size=32", "encoder=vgg11", "encoder.weights=random", "size=32")
LOSS = ("loss=gatys", "output=out.png")


def optimize(folder: Path, *overrides: str | Path) -> subprocess.CompletedProcess[str]:
    return run_command("optimize", *SMALL, *LOSS, *overrides, cwd=folder)


def test_sigterm_keeps_the_best_picture_and_the_run_goes_on_later(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "photo.jpg")
    choice = (f"content={photo}", "iterations=100000", "snapshot_every=2")
    process = start_command("optimize", *SMALL, *LOSS, *choice, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("outputs/**/00004.png")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    ended = process.wait(60)
    assert ended.returncode == 128 + signal.SIGTERM, ended.stderr
    assert load_picture(tmp_path / "out.png").pixels.isfinite().all()
    done = max(int(path.stem) for path in tmp_path.glob("outputs/**/snapshots/*.png"))
    again = optimize(tmp_path, *choice[:1], f"iterations={done + 1}", "resume=last")
    assert again.returncode == 0, again.stderr
    assert len(list((tmp_path / "outputs" / "optimize" / "flow_field").iterdir())) == 1


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "content has no value; pass content="),
        (["experiment=gatis"], 'unknown experiment "gatis": did you mean "gatys"'),
        (["content=broken.jpg"], "is not a picture"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    tmp_path: Path, overrides: list[str], message: str
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    result = optimize(tmp_path, *overrides)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out.png").exists()
