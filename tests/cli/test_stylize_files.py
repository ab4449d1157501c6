"""What ``faststyle stylize`` does with files, by its options."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style
from tests.commands import run_command
from tests.video.made import moving, write


@pytest.fixture
def stylize(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    torch.manual_seed(0)
    style = tmp_path / "night.safetensors"
    network = TransformNetwork(width=2, blocks=0)
    write_style(TrainedStyle(network, StyleMetadata(style="night")), style)
    return lambda *arguments: run_command(
        "stylize", "--ckpt", style, "--device", "cpu", *arguments, cwd=tmp_path
    )


def test_metadata_of_photos_and_clips_is_kept_or_not(
    tmp_path: Path, stylize: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Ann"
    Image.new("RGB", (32, 24)).save(tmp_path / "a.jpg", exif=exif)
    write(tmp_path / "plain.mp4", moving(3), "libx264", "yuv420p")
    with (
        av.open(str(tmp_path / "plain.mp4")) as plain,
        av.open(str(tmp_path / "a.mp4"), "w") as out,
    ):
        out.metadata["artist"] = "Ann"
        video = out.add_stream_from_template(plain.streams.video[0])
        for packet in plain.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                out.mux(packet)
    for value, is_kept in (("keep", True), ("none", False)):
        done = stylize("a.jpg", "a.mp4", "--output", f"{value}/", "--metadata", value)
        assert done.returncode == 0, done.stderr
        with Image.open(tmp_path / value / "a.jpg") as photo:
            assert (photo.getexif().get(0x013B) == "Ann") is is_kept
        with av.open(str(tmp_path / value / "a.mp4")) as clip:
            assert ("artist" in clip.metadata) is is_kept
    done = stylize("a.jpg", "--metadata", "some")
    assert done.returncode == 2
    assert "--metadata" in done.stderr


def test_a_photo_that_decodes_for_too_long_is_named_and_passed_over(
    tmp_path: Path, stylize: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (2000, 2000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "slow.png", compress_level=1)
    done = stylize("slow.png", "--timeout", "0.002")
    assert done.returncode == 2
    assert "error: slow.png takes more than 0.002 s to decode: see --timeout" in done.stderr
    assert "1 of 1 pictures could not be stylized" in done.stderr
    assert not (tmp_path / "slow.night.png").exists()
    assert stylize("slow.png", "--timeout", "0").returncode == 2


def test_names_that_are_not_utf8_stay_as_they_are(
    tmp_path: Path, stylize: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    folder = os.fsencode(tmp_path) + b"/in"
    os.mkdir(folder)  # noqa: PTH102
    Image.new("RGB", (32, 24)).save(tmp_path / "a.png")
    os.rename(tmp_path / "a.png", folder + b"/caf\xe9.png")  # noqa: PTH104
    write(tmp_path / "b.mp4", moving(3), "libx264", "yuv420p")
    os.rename(tmp_path / "b.mp4", folder + b"/film\xe9.mp4")  # noqa: PTH104
    names = [os.fsdecode(folder + name) for name in (b"/caf\xe9.png", b"/film\xe9.mp4")]
    done = stylize(*names, "--output", "out/")
    assert done.returncode == 0, done.stderr
    found = sorted(os.listdir(os.fsencode(tmp_path / "out")))  # noqa: PTH208
    assert found == [b"caf\xe9.png", b"film\xe9.mp4"]
