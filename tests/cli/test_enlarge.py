"""The command line for real."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style
from tests.commands import run_command
from tests.upscalers import write_upscaler

MakePhoto = Callable[..., Path]


def enlarge(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_command("enlarge", *arguments, cwd=cwd)


@pytest.fixture
def folder(tmp_path: Path, make_photo: MakePhoto) -> Path:
    """With a photo, and an enlarger by 4 in the catalog."""
    make_photo(tmp_path / "a.jpg", 60, 50)
    (tmp_path / "checkpoints").mkdir()
    write_upscaler(tmp_path / "checkpoints" / "mine.safetensors")
    return tmp_path


def test_a_photo_is_enlarged_beside_itself(folder: Path) -> None:
    before = (folder / "a.jpg").read_bytes()
    result = enlarge("a.jpg", cwd=folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip() == "a.x4.jpg"
    assert Image.open(folder / "a.x4.jpg").size == (240, 200)
    assert (folder / "a.jpg").read_bytes() == before


def test_a_photo_comes_out_as_the_camera_was_held(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.open(folder / "a.jpg").save(folder / "b.png", exif=exif)
    assert enlarge("b.png", cwd=folder).returncode == 0
    assert Image.open(folder / "b.x4.png").size == (200, 240)


def test_a_folder_is_enlarged_once(folder: Path, make_photo: MakePhoto) -> None:
    for name in ("c.png", "deep/d.webp"):
        make_photo(folder / "in" / name, 20, 16)
    for _ in range(2):
        assert enlarge("in", "--ckpt", "mine", "--factor", "4", cwd=folder).returncode == 0
    found = sorted(path.name for path in (folder / "in").rglob("*.*"))
    assert found == ["c.png", "c.x4.png", "d.webp", "d.x4.webp"]


def test_a_photo_that_is_too_small_does_not_stop_the_rest(
    folder: Path, make_photo: MakePhoto
) -> None:
    make_photo(folder / "in" / "a.png", 3, 20)
    make_photo(folder / "in" / "b.png", 20, 20)
    result = enlarge("in", "--output", "out", cwd=folder)
    assert result.returncode == 2
    assert "in/a.png: 3 x 20 pixels are too few to be enlarged" in result.stderr
    assert "1 of 2 files could not be enlarged" in result.stderr
    assert [path.name for path in (folder / "out").iterdir()] == ["b.png"]


def test_a_clip_is_enlarged(folder: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(folder / "clip.mp4"), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.height, video.width = 24, 32
        for level in (50, 100, 150):
            gray = torch.full((24, 32, 3), level, dtype=torch.uint8).numpy()
            container.mux(video.encode(av.VideoFrame.from_ndarray(gray)))
        container.mux(video.encode(None))
    result = enlarge("clip.mp4", cwd=folder)
    assert result.returncode == 0, result.stderr
    with av.open(str(folder / "clip.x4.mp4")) as clip:
        frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
    assert [frame.shape for frame in frames] == 3 * [(96, 128, 3)]
    assert [round(float(frame.mean()), -1) for frame in frames] == [50, 100, 150]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.jpg", "--factor", "8"], "no checkpoint enlarges by 8: those here enlarge by 4"),
        (["a.jpg", "--factor", "3"], "factor 3: networks enlarge by one of 2, 4, 8"),
        (["a.jpg", "--ckpt", "mine", "--factor", "2"], "mine.safetensors enlarges by 4, not by 2"),
        (["a.jpg", "--ckpt", "night.safetensors"], "night is a style: use faststyle stylize"),
        (["a.jpg", "--ckpt", "absent"], 'no style "absent"'),
        (["absent.jpg"], "no such picture"),
        (["a.jpg", "--max-pixels", "1000"], "60 x 50 pixels would become 240 x 200"),
        (["a.jpg", "--tile", "3"], "--tile"),
        (["a.jpg", "--bit-depth", "16"], "a.x4.jpg would be JPEG"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    folder: Path, arguments: list[str], message: str
) -> None:
    style = TrainedStyle(TransformNetwork(2, 0), StyleMetadata("night"))
    write_style(style, folder / "night.safetensors")
    result = enlarge(*arguments, cwd=folder)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 2
    assert not list(folder.glob("*.x*.jpg"))


def test_the_other_commands_say_that_it_is_no_style(folder: Path) -> None:
    result = run_command("stylize", "--ckpt", "mine", "a.jpg", cwd=folder)
    assert result.returncode == 2
    assert result.stderr == "error: enlarge_x4 enlarges pictures: use faststyle enlarge\n"
    assert "mine" not in run_command("styles", cwd=folder).stdout
