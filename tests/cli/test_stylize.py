import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.cli.stylize import load_upscaler
from faststyle.core.errors import UserError
from faststyle.images.files import load_picture_bytes
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style
from tests import sixteen
from tests.commands import command, run_command
from tests.several import several_styles
from tests.upscalers import write_upscaler


def infer(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run_command("stylize", *arguments, cwd=cwd)


@pytest.fixture
def style(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "night.safetensors"
    write_style(
        TrainedStyle(TransformNetwork(width=2, blocks=0), StyleMetadata(style="night")), path
    )
    return path


def test_a_photo_is_stylized_beside_itself(
    tmp_path: Path, style: Path, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.jpg", 60, 50)
    before = photo.read_bytes()
    result = infer("--ckpt", style, photo, "--size", "25", "--strength", "0.8", "--preserve-color")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip() == str(tmp_path / "a.night.jpg")
    assert Image.open(tmp_path / "a.night.jpg").size == (30, 25)
    assert photo.read_bytes() == before


def test_strips_give_the_same_picture(
    tmp_path: Path, style: Path, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.png", 150, 100)
    pictures = []
    for tile in ("off", "32"):
        out = tmp_path / f"{tile}.png"
        result = infer("--ckpt", style, photo, "--tile", tile, "--output", out)
        assert result.returncode == 0, result.stderr
        pictures.append(load_picture_bytes(out).pixels.float())
    assert (pictures[0] - pictures[1]).abs().mean() < 1


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("tile", ["off", "32"])
def test_a_photo_of_16_bits_that_keeps_its_looks_keeps_every_bit(
    tmp_path: Path, style: Path, name: str, tile: str
) -> None:
    sixteen.photo(tmp_path / name, channels=3, height=100, width=150)
    result = infer("--ckpt", style, tmp_path / name, "--strength", "0", "--tile", tile)
    assert (result.returncode, result.stderr) == (0, "")
    before = load_picture_bytes(tmp_path / name)
    after = load_picture_bytes(tmp_path / name.replace(".", ".night."))
    assert after.bit_depth == 16
    assert torch.equal(after.pixels, before.pixels)


def test_the_result_of_a_photo_of_8_bits_may_have_16(
    tmp_path: Path, style: Path, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.jpg", 300, 200)
    out = tmp_path / "b.png"
    result = infer("--ckpt", style, photo, "--output", out, "--bit-depth", "16")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(np.unique(load_picture_bytes(out).pixels.numpy())) > 1000


def test_a_folder_shows_progress_and_survives_a_bad_file(
    tmp_path: Path, style: Path, make_photo: Callable[..., Path]
) -> None:
    for seed in range(3):
        make_photo(tmp_path / "in" / f"{seed}.jpg", seed=seed)
    (tmp_path / "in" / "1.jpg").write_text("broken")
    result = infer(
        "--ckpt", style, tmp_path / "in", "--output", tmp_path / "out", "--batch-size", "2"
    )
    assert result.returncode == 2
    assert "3/3" in result.stderr
    assert "1 of 3 pictures could not be stylized" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["0.jpg", "2.jpg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ckpt", "absent.safetensors", "a.jpg"], "no such checkpoint: absent"),
        (["--ckpt", "text.pth", "a.jpg"], "text.pth is not a readable checkpoint"),
        (["--ckpt", "night.safetensors", "absent.jpg"], "no such picture"),
        (["--ckpt", "night.safetensors", "text.jpg"], "text.jpg is not a picture"),
        (["--ckpt", "night.safetensors", "a.jpg", "--output", "a.jpg"], "is an input"),
        (["--ckpt", "night.safetensors", "a.jpg", "--output", "/proc/x/a.jpg"], "/proc/x"),
        (["--ckpt", "night.safetensors", "a.jpg", "--strength", "2"], "--strength is 2.0"),
        (["--ckpt", "night.safetensors", "a.jpg", "--device", "toaster"], "toaster"),
        (
            ["--ckpt", "night.safetensors", "a.jpg", "--bit-depth", "16"],
            "a.night.jpg would be JPEG",
        ),
        (["--ckpt", "night.safetensors", "a.jpg", "--lossless"], "a.night.jpg would be JPEG"),
    ],
)
@pytest.mark.usefixtures("style")
def test_bad_input_is_one_line_and_status_2(
    tmp_path: Path,
    make_photo: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    make_photo(Path("a.jpg"))
    for name in ("text.pth", "text.jpg"):
        Path(name).write_text("hello")
    before = sorted(Path().rglob("*"))
    result = infer(*arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().splitlines()
    assert all(line.startswith("error: ") for line in lines)
    assert sorted(Path().rglob("*")) == before


def test_styles_with_names_are_listed_and_found(
    style: Path, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    (tmp_path / "checkpoints").mkdir()
    style.rename(tmp_path / "checkpoints" / "my_own.safetensors")
    listed = infer("--list", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert any(line.startswith("my_own: ") for line in listed.stdout.splitlines())
    assert infer("--ckpt", "my_own", photo, cwd=tmp_path).returncode == 0
    wrong = infer("--ckpt", "my_onw", photo, cwd=tmp_path)
    assert wrong.returncode == 2
    assert 'did you mean "my_own"' in wrong.stderr


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from faststyle.cli.main import main; sys.argv = ['faststyle', '--help']\n"
        "try: main('stylize')\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "False"


def test_an_interrupted_clip_can_be_played(tmp_path: Path, style: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.height, video.width = 480, 640
        for _ in range(250):
            container.mux(video.encode(av.VideoFrame(640, 480, "yuv420p")))
        container.mux(video.encode(None))
    stylizing = command("stylize", "--ckpt", style, tmp_path / "a.mp4")
    with subprocess.Popen(stylizing, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        shown = ""
        while not re.search(r"\b([3-9]|\d\d+)/250", shown):  # the bar may pass over some
            shown += (more := process.stderr.read(1))
            assert more, shown
        process.send_signal(signal.SIGTERM)
        errors = process.stderr.read()
    assert process.returncode == 130
    assert "holds the first" in errors
    assert "Traceback" not in errors
    with av.open(str(tmp_path / "a.night.mp4")) as clip:
        assert 3 <= len(list(clip.decode(video=0))) < 250
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.mp4",
        "a.night.mp4",
        "night.safetensors",
    ]


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    path = tmp_path / "all.safetensors"
    write_style(several_styles(), path)
    return path


def test_a_mixture_of_styles_is_chosen_where_the_style_is_named(
    tmp_path: Path, gallery: Path, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.png", 60, 50)
    result = infer("--ckpt", f"{gallery}:night", "--stroke", "1.5", photo)
    assert result.stdout.strip() == str(tmp_path / "a.night.png"), result.stderr
    result = infer("--ckpt", f"{gallery}:night=1,wave=3", photo)
    assert result.stdout.strip() == str(tmp_path / "a.night-0.25-wave-0.75.png"), result.stderr


@pytest.mark.parametrize(
    ("choice", "more", "message"),
    [
        ("", (), "all is a file of several styles"),
        (":nigth", (), 'did you mean "night"'),
        (":night=-1", (), "the weight of night is -1.0"),
        (":night=0", (), "are all 0"),
        (":night=x", (), '"x" is not a number'),
        (":wave", ("--stroke", "9"), "stroke is 9.0; it must lie between 0.25 and 8"),
        (":wave", ("--to", "night"), "--to is for clips"),
    ],
)
def test_a_mixture_that_cannot_be_is_one_line(
    tmp_path: Path,
    gallery: Path,
    make_photo: Callable[..., Path],
    choice: str,
    more: tuple[str, ...],
    message: str,
) -> None:
    photo = make_photo(tmp_path / "a.png", 60, 50)
    result = infer("--ckpt", f"{gallery}{choice}", *more, photo)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [photo, gallery]


@pytest.fixture
def halves(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    """A folder with a photo, a mask of its left half, and a black one."""
    make_photo(tmp_path / "a.png", 60, 50)
    mask = Image.new("L", (60, 50))
    mask.save(tmp_path / "black.png")
    mask.paste(255, (0, 0, 30, 50))
    mask.save(tmp_path / "left.png")
    return tmp_path


def test_a_mask_says_where_the_style_goes(halves: Path, style: Path) -> None:
    result = infer("--ckpt", style, "a.png", "--mask", "left.png", cwd=halves)
    assert (result.returncode, result.stderr) == (0, "")
    before, after = (load_picture_bytes(halves / name).pixels for name in ("a.png", "a.night.png"))
    assert torch.equal(before[..., 30:], after[..., 30:])
    assert not torch.equal(before[..., :30], after[..., :30])


def test_regions_say_which_style_goes_where(halves: Path, style: Path, gallery: Path) -> None:
    result = infer(
        *("--region", f"left.png={gallery}:wave", "--region", f"rest={style}", "a.png"),
        *("--feather", "4", "--statistics", "picture"),
        cwd=halves,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip() == "a.night-and-wave.png"
    plain = infer("--ckpt", style, "a.png", "--output", "plain.png", cwd=halves)
    assert plain.returncode == 0, plain.stderr
    whole, both = (
        load_picture_bytes(halves / name).pixels.int()
        for name in ("plain.png", "a.night-and-wave.png")
    )
    assert (whole - both)[..., 36:].abs().max() <= 1
    assert (whole - both)[..., :24].abs().float().mean() > 1


def test_a_mask_may_have_any_name(halves: Path, style: Path) -> None:
    results = []
    for name in ("left.png", "a=b, ü 1.png", "./rest"):
        (halves / name).write_bytes((halves / "left.png").read_bytes())
        result = infer("--region", f"{name}={style}", "a.png", "--output", "b.png", cwd=halves)
        assert (result.returncode, result.stderr) == (0, "")
        results.append((halves / "b.png").read_bytes())
    assert results[1:] == results[:1] * 2


def test_a_black_mask_and_gaps_are_said_once(halves: Path, style: Path) -> None:
    (halves / "b.png").write_bytes((halves / "a.png").read_bytes())
    regions = ("--region", f"left.png={style}", "--region", f"black.png={style}")
    result = infer("a.png", "b.png", *regions, "--output", "out", cwd=halves)
    assert result.returncode == 0, result.stderr
    for said in ("black.png is black all over", "regions leave gaps: there the photo is seen"):
        assert result.stderr.count(said) == 1


def test_what_is_painted_is_enlarged_and_left_alone_the_next_time(
    halves: Path, style: Path
) -> None:
    (halves / "checkpoints").mkdir()
    write_upscaler(halves / "checkpoints" / "mine.safetensors")
    for _ in range(2):
        flags = ("--size", "24", "--mask", "left.png", "--enlarge", "4")
        result = infer("--ckpt", style, ".", *flags, cwd=halves)
        assert result.returncode == 0, result.stderr
    found = sorted(path.name for path in halves.glob("*night*.png"))
    assert found == ["a.night-x4.png", "black.night-x4.png"]
    assert Image.open(halves / "a.night-x4.png").size == (116, 96)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a style: --ckpt"),
        (("--region", "left.png"), "say MASK=STYLE, as sky.png=starry_night"),
        (("--region", "=night"), "say MASK=STYLE"),
        (("--ckpt", "starry_night_small", "--mask", "rest"), "no such mask: rest"),
        (("--region", "absent.png=starry_night_small"), "no such mask: absent.png"),
        (("--region", "rest=a", "--region", "rest=b"), "the rest can have one style"),
        (("--region", "rest=a", "--ckpt", "b"), "the rest can have one style"),
        (("--region", "left.png=a", "--mask", "left.png"), "choose"),
        (("--ckpt", "starry_night_small", "--mask", "tall.png"), "that is another shape"),
        (("--ckpt", "starry_night_small", "--mask", "a.txt"), "is not a picture"),
        (("--ckpt", "starry_night_small", "--feather", "-1"), "--feather is -1.0"),
        (("--ckpt", "starry_night_small", "--feather", "nan"), "--feather is nan"),
        (("--ckpt", "starry_night_small", "--feather", "3"), "are of masks: see --mask"),
        (("--ckpt", "starry_night_small", "--statistics", "picture"), "are of masks: see --mask"),
        (("--ckpt", "starry_night_small", "--enlarge", "3"), "networks enlarge by one of 2, 4, 8"),
        (("--ckpt", "starry_night_small", "--enlarge", "starry_night"), "starry_night is a style"),
        (("--ckpt", "starry_night_small", "--stroke", "0"), "stroke is 0.0"),
        (("--ckpt", "starry_night_small", "--color", "red"), "invalid choice: 'red'"),
        (("--ckpt", "starry_night_small", "--protect", "cats"), "invalid choice: 'cats'"),
    ],
)
def test_a_control_that_cannot_be_is_refused(
    halves: Path, arguments: tuple[str, ...], message: str
) -> None:
    Image.new("L", (50, 60)).save(halves / "tall.png")
    (halves / "a.txt").write_text("text")
    result = infer("a.png", *arguments, cwd=halves)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(halves.glob("a.*.png"))


def test_a_photo_without_a_mask_is_named_and_the_others_are_stylized(
    halves: Path, style: Path
) -> None:
    for name in ("in/a.png", "in/b.png", "masks/a.png"):
        (halves / name).parent.mkdir(exist_ok=True)
        (halves / name).write_bytes((halves / "left.png").read_bytes())
    result = infer("--ckpt", style, "in", "--mask", "masks", "--output", "out", cwd=halves)
    assert result.returncode == 2
    assert "in/b.png: it has no mask: there is no masks/b.png" in result.stderr
    assert [path.name for path in (halves / "out").iterdir()] == ["a.png"]


def test_faces_are_protected_and_where_there_is_none_that_is_said(
    halves: Path, style: Path
) -> None:
    from skimage import data

    astronaut = data.astronaut()  # type: ignore[no-untyped-call]
    Image.fromarray(astronaut).save(halves / "face.png")
    result = infer("--ckpt", style, "face.png", "a.png", "--protect", "faces", cwd=halves)
    assert result.returncode == 0, result.stderr
    assert "a.png: no face is found" in result.stderr
    assert "face.png: no face" not in result.stderr
    infer("--ckpt", style, "face.png", "--output", "plain.png", cwd=halves)
    photo, whole, kept = (
        load_picture_bytes(halves / name).pixels[:, 100:140, 205:240].float()
        for name in ("face.png", "plain.png", "face.night.png")
    )
    assert (kept - photo).abs().mean() < 0.5 * (whole - photo).abs().mean()


def test_an_upscaler_is_found_by_its_factor_or_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_upscaler(tmp_path / "checkpoints" / "other.safetensors", 8)
    monkeypatch.chdir(tmp_path)
    assert load_upscaler("8").factor == load_upscaler(str(path)).factor == 8


def test_no_upscaler_is_found_without_a_name() -> None:
    with pytest.raises(UserError, match="--enlarge: name a factor"):
        load_upscaler("")
