import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.styles import TrainedStyle, write_style
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.stylizer import Stylizer
from tests.commands import command

pytest.importorskip("cv2", exc_type=ImportError)  # which also fails for want of an X11 library
from faststyle.apps import webcam
from faststyle.apps.webcam import Live

PHOTO = torch.randint(0, 256, (3, 40, 60), dtype=torch.uint8)


@pytest.fixture
def styles(tmp_path: Path) -> list[str]:
    paths = []
    for seed, name in enumerate(("night", "wave")):
        torch.manual_seed(seed)
        path = tmp_path / f"{name}.safetensors"
        write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), path)
        paths.append(str(path))
    return paths


@pytest.fixture
def live(styles: list[str], tmp_path: Path) -> Live:
    options = RenderOptions(size=32)
    return Live(styles, options, folder=tmp_path / "saved", loading={"device": "cpu"})


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    av = pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.height, video.width = 48, 64
        for _ in range(30):
            container.mux(video.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(video.encode(None))
    return path


def test_keys_choose_the_style(live: Live) -> None:
    captions = []
    for key in ("1", "2", " ", "9", "o", "o", "2"):
        live.press(ord(key))
        captions.append(live.caption)
    assert captions == ["night", "wave", "night", "night", "camera", "night", "wave"]
    live.press(-1)
    assert live.open
    live.press(ord("q"))
    assert not live.open


def test_what_is_shown_is_stylized_by_the_chosen_style(live: Live, styles: list[str]) -> None:
    from faststyle.images.pixels import resize

    for index in (0, 1):
        live.press(ord(str(index + 1)))
        small = resize(PHOTO / 255, 32)
        # On a canvas that is larger by a mirrored margin of 8.
        canvas = torch.from_numpy(np.pad(small, ((0, 0), (8, 8), (8, 8)), "symmetric"))
        expected = Stylizer.load(styles[index], device="cpu")(canvas)[:, 8:-8, 8:-8]
        assert (live.show(PHOTO) / 255 - expected).abs().max() < 1 / 255
    live.press(ord("o"))
    assert torch.equal(live.show(PHOTO), PHOTO)


def test_strokes_move_with_what_the_camera_sees(live: Live) -> None:
    generator = torch.Generator().manual_seed(0)
    scene = torch.rand(3, 12, 20, generator=generator)
    scene = torch.nn.functional.interpolate(scene[None], scale_factor=8, mode="bicubic")[0]
    scene = (scene.clamp(0, 1) * 255).to(torch.uint8)
    live.options = RenderOptions()
    first, second = live.show(scene[:, :, :120]), live.show(scene[:, :, 3:123])
    inside = slice(24, -24)
    before, after = first[:, inside, 27:99].float(), second[:, inside, 24:96].float()
    assert (before - after).abs().mean() < 3


def test_a_key_saves_what_is_shown(live: Live) -> None:
    shown = live.show(PHOTO)
    live.press(ord("s"))
    [saved] = live.folder.iterdir()
    assert saved.name.startswith("night_")
    assert Image.open(saved).size == (shown.shape[2], shown.shape[1])


def test_a_clip_is_shown_until_a_key_ends_it(
    live: Live, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter([-1, ord("2"), -1, -1, ord("q")])
    windows: list[Any] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("cv2.imshow", lambda _, picture: windows.append(picture))
    monkeypatch.setattr("cv2.waitKey", lambda _: next(keys))
    monkeypatch.setattr("cv2.setWindowTitle", lambda *_: None)
    monkeypatch.setattr("cv2.getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr("cv2.destroyAllWindows", lambda: None)
    assert webcam.show_live(live, str(clip)) == 5
    assert live.caption == "wave"
    assert {picture.shape for picture in windows} == {(32, 43, 3)}


def test_a_source_that_is_none_is_named(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    with pytest.raises(UserError, match="no such camera: 99"):
        webcam.show_live(live, 99)


def test_without_a_display_it_says_so(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(UserError, match="no display here"):
        webcam.show_live(live, 0)


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="there is no xvfb-run here")
def test_it_opens_a_real_window(styles: list[str], clip: Path) -> None:
    started = ["xvfb-run", "-a", *command("webcam", "--ckpt", *styles, "--source", str(clip))]
    shown = subprocess.run(started, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "30 frames shown" in shown.stdout
