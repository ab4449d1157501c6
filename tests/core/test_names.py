"""Names that are not UTF-8 reach libraries that want them to be."""

import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from faststyle.core.errors import UserError
from faststyle.core.names import check_name, readable_name
from faststyle.core.torch_files import read_torch, write_torch
from faststyle.encoder.weights import read_state
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, load_style, write_style


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder called as a disk of the time before UTF-8 may call it."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/n\xe6cht"))
    try:
        path.mkdir()
    except OSError:
        pytest.skip("this disk has no such names")
    return path


def test_styles_and_weights_are_read_whatever_they_are_called(odd: Path) -> None:
    name = os.fsdecode(b"\xe6")
    network = TransformNetwork(width=1, blocks=0)
    write_style(TrainedStyle(network, StyleMetadata("night")), odd / f"{name}.safetensors")
    assert load_style(odd / f"{name}.safetensors").name == "night"
    write_torch({"a": 1}, odd / f"{name}.pth")
    assert read_torch(odd / f"{name}.pth") == {"a": 1}
    content = safetensors.torch.save({"weight": torch.ones(2)})
    (odd / "weights.safetensors").write_bytes(content)
    assert read_state(odd / "weights.safetensors")["weight"].tolist() == [1, 1]


def test_a_folder_that_tensorboard_cannot_write_into_is_refused(odd: Path) -> None:
    with pytest.raises(UserError, match="is not UTF-8"):
        check_name(odd)
    check_name(Path("ä"))


def test_other_names_stay_and_no_link_is_left(odd: Path) -> None:
    with readable_name(Path("ä.jpg")) as name:
        assert name == Path("ä.jpg")
    (odd / "a").write_text("hello")
    with readable_name(odd / "a") as name:
        str(name).encode()
        assert name.read_text() == "hello"
    assert not name.parent.exists()
