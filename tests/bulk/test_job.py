import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faststyle.bulk.job import BulkJob, stylize_in_bulk
from faststyle.core.errors import UserError
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


def test_started_again_it_does_the_rest_alone_and_what_has_changed(
    tmp_path: Path, style: Path, photos: Path, make_photo: Callable[..., Path]
) -> None:
    out = tmp_path / "out"
    (photos / "bad.png").write_text("no picture")
    words: list[str | Path] = ["--ckpt", style, photos, "--output", out, "--engine", "local"]
    first = stylize(*words)
    assert first.returncode == 2
    assert "10 done, 0 skipped, 1 failed" in first.stderr
    [failed] = (out / ".faststyle" / "failed.jsonl").read_text().splitlines()
    assert json.loads(failed)["target"] == "bad.png"
    times = {path: path.stat().st_mtime_ns for path in out.glob("**/*.png")}
    make_photo(photos / "bad.png", seed=20)
    make_photo(photos / "0.png", 64, 64, seed=21)
    make_photo(photos / "new.png", seed=22)
    (out / "6.png").unlink()
    second = stylize(*words)
    assert second.returncode == 0, second.stderr
    assert "4 done, 8 skipped, 0 failed" in second.stderr
    assert (out / ".faststyle" / "failed.jsonl").read_text() == ""
    changed = {path.name for path, when in times.items() if path.stat().st_mtime_ns != when}
    assert changed == {"0.png", "6.png"}
    third = stylize(*words)
    assert (third.returncode, "0 done, 12 skipped" in third.stderr) == (0, True)


def test_results_of_other_settings_are_not_mixed(tmp_path: Path, style: Path, photos: Path) -> None:
    words: list[str | Path] = [
        "--ckpt",
        style,
        photos,
        "--output",
        tmp_path / "out",
        "--engine",
        "local",
    ]
    assert stylize(*words).returncode == 0
    again = stylize(*words, "--strength", "0.5")
    assert again.returncode == 2
    assert "other settings (options): choose another --output" in again.stderr


def test_without_an_engine_no_notes_are_left(tmp_path: Path, plain: dict[str, bytes]) -> None:
    assert len(plain) == 10
    assert not list(tmp_path.rglob(".faststyle"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in"], "need a folder for the results: --output"),
        (["in", "--output", "out", "--mask", "in/0.png"], "--mask is not for --engine"),
        (["in", "--output", "out", "--actors", "0"], "actors is 0; it must be at least 1"),
        (["in", "--output", "out", "--engine", "rya"], 'engine is "rya": did you mean "ray"?'),
        (["in", "--output", "out", "--lossless"], "--lossless is for WebP"),
        (["in", "--output", "out", "--device", "toaster"], 'device "toaster" is not to be had'),
        (["in", "--output", "out.png"], "out.png is called like a picture: name a folder"),
        (["in", "--output", "nowhere://out"], "nowhere://out: "),
        (["in", "--output", "in"], "is an input; choose another --output"),
        (["absent", "--output", "out"], "no such picture, folder or pattern: absent"),
    ],
)
@pytest.mark.usefixtures("photos")
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, style: Path, arguments: list[str], message: str
) -> None:
    ended = stylize("--ckpt", style, "--engine", "local", *arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_engine_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, style: Path, photos: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ray", None)
        patch.delitem(sys.modules, "faststyle.bulk.ray", raising=False)
        with pytest.raises(UserError, match=r'pip install "faststyle\[ray\]"'):
            stylize_in_bulk(BulkJob([str(photos)], str(tmp_path / "out"), str(style), engine="ray"))
