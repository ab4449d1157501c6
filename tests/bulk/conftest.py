"""A small style, and folders of small pictures."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style


@pytest.fixture
def style(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "night.safetensors"
    network = TransformNetwork(width=2, blocks=0)
    write_style(TrainedStyle(network, StyleMetadata(style="night")), path)
    return path


@pytest.fixture
def photos(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    """Ten, of two shapes and formats, some in a folder of their own."""
    for seed in range(10):
        folder = tmp_path / "in" / ("sub" if seed % 3 else ".")
        make_photo(folder / f"{seed}.{('png', 'jpg')[seed % 2]}", 40 + 8 * (seed % 2), seed=seed)
    return tmp_path / "in"
