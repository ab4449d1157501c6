import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import run_command


def stylize(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run_command("stylize", *arguments, cwd=cwd)


def results(folder: Path) -> dict[str, bytes]:
    """Every result by its name, without the notes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = [path.relative_to(folder) for path in files]
    return {
        name.as_posix(): path.read_bytes()
        for name, path in zip(names, files, strict=True)
        if name.parts[0] != ".faststyle"
    }


def download(address: str, folder: Path) -> Path:
    import s3fs

    s3fs.S3FileSystem().get(f"{address}/", f"{folder}/", recursive=True)
    return folder


@pytest.fixture
def plain(tmp_path: Path, style: Path, photos: Path) -> dict[str, bytes]:
    """What becomes of the photos without any engine."""
    ended = stylize("--ckpt", style, photos, "--output", tmp_path / "plain")
    assert ended.returncode == 0, ended.stderr
    return results(tmp_path / "plain")


def test_processes_of_this_machine_give_the_bytes_of_one(
    tmp_path: Path, style: Path, photos: Path, plain: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    ended = stylize("--ckpt", style, photos, "--output", out, "--actors", "2")
    assert ended.returncode == 0, ended.stderr
    assert results(out) == plain
    assert "10 done, 0 skipped, 0 failed" in ended.stderr


def test_photos_and_style_may_be_in_a_bucket_and_the_results_go_to_one(
    tmp_path: Path, style: Path, photos: Path, plain: dict[str, bytes], upload: Callable[..., str]
) -> None:
    style.rename(photos / style.name)
    address = upload(photos)
    out = address.replace("coco", "out")
    ended = stylize("--ckpt", f"{address}/{style.name}", address, "--output", out)
    assert ended.returncode == 0, ended.stderr
    assert results(download(out, tmp_path / "out")) == plain
