import json
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch

from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, read_style, write_style

PHOTO = torch.rand(1, 3, 24, 20)


@pytest.fixture
def style() -> TrainedStyle:
    network = TransformNetwork(width=4, blocks=1, norm="batch", output="sigmoid")
    network(torch.rand(4, 3, 16, 16))  # gives the batch norms statistics of their own
    return TrainedStyle(network.eval(), StyleMetadata("night", ("ab" * 32,), steps=7))


def test_a_style_comes_back_as_it_was(style: TrainedStyle, tmp_path: Path) -> None:
    write_style(style, tmp_path / "a.safetensors", half=False)
    found = read_style(tmp_path / "a.safetensors")
    with torch.no_grad():
        assert torch.equal(found.network(PHOTO), style.network(PHOTO))
    assert found.name == "night"
    assert found.metadata == style.metadata.of_network(style.network)


def test_the_same_style_has_the_same_bytes(style: TrainedStyle, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.safetensors" for number in range(8)]
    for file in files:
        write_style(style, file)
    assert len({file.read_bytes() for file in files}) == 1


def test_the_bytes_are_a_safetensors_file_with_aligned_tensors(
    style: TrainedStyle, tmp_path: Path
) -> None:
    file = tmp_path / "a.safetensors"
    write_style(style, file)
    assert int.from_bytes(file.read_bytes()[:8], "little") % 8 == 0
    with safetensors.safe_open(file, "pt") as opened:
        assert opened.metadata()["style"] == "night"
        assert set(opened.keys()) == set(style.network.state_dict())


def test_half_precision_halves_the_file_and_hardly_changes_the_picture(
    style: TrainedStyle, tmp_path: Path
) -> None:
    write_style(style, tmp_path / "half.safetensors")
    write_style(style, tmp_path / "full.safetensors", half=False)
    sizes = [(tmp_path / f"{n}.safetensors").stat().st_size for n in ("half", "full")]
    assert sizes[0] < 0.65 * sizes[1]
    found = read_style(tmp_path / "half.safetensors")
    with torch.no_grad():
        difference = (found.network(PHOTO) - style.network(PHOTO)).abs()
    assert difference.mean() < 1 / 255


def test_the_default_network_takes_about_3_4_megabytes(tmp_path: Path) -> None:
    write_style(TrainedStyle(TransformNetwork()), tmp_path / "a.safetensors")
    assert 3.3e6 < (tmp_path / "a.safetensors").stat().st_size < 3.5e6


def test_weights_that_are_not_finite_are_never_written(style: TrainedStyle, tmp_path: Path) -> None:
    bias = style.network.get_parameter("head.bias")
    torch.nn.init.constant_(bias, 1e9)  # infinite in float16
    with pytest.raises(UserError, match=r"head\.bias is not finite"):
        write_style(style, tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def _metadata(**changes: str) -> dict[str, str]:
    options = {"width": 4, "blocks": 1, "norm": "batch", "output": "sigmoid"}
    base = {"format": "faststyle", "format_version": "1", "network": json.dumps(options)}
    return base | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "another"}, "not a style trained by faststyle"),
        ({"format_version": "99"}, "format version 99"),
        ({"network": "{"}, "does not describe its network"),
        ({"network": "[]"}, "not known here"),
        ({"network": '{"depth": 3}'}, "not known here"),
        ({"network": '{"width": 100000}'}, "from 1 to 1024"),
        ({"network": '{"width": 1024, "blocks": 64}'}, "does not fit"),
        ({"network": '{"width": 8, "blocks": 1, "norm": "batch"}'}, "has shape"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(
    style: TrainedStyle, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file(style.network.state_dict(), path, _metadata(**changes))
    with pytest.raises(UserError, match=message):
        read_style(path)


def test_truncated_and_foreign_files_are_named(style: TrainedStyle, tmp_path: Path) -> None:
    write_style(style, tmp_path / "whole.safetensors")
    content = (tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.safetensors").write_text("hello")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for name in ("cut", "text", "empty"):
        with pytest.raises(UserError, match=name):
            read_style(tmp_path / f"{name}.safetensors")


def test_weights_that_are_not_finite_are_never_read(style: TrainedStyle, tmp_path: Path) -> None:
    state = style.network.state_dict()
    state["head.bias"] = torch.full((3,), float("nan"))
    safetensors.torch.save_file(state, tmp_path / "a.safetensors", _metadata())
    with pytest.raises(UserError, match=r'"head\.bias" is not finite'):
        read_style(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("given", "name"),
    [("../../evil", "_.._evil"), ("", "styled"), ("..", "styled"), ("a b", "a_b")],
)
def test_a_name_cannot_lead_out_of_a_folder(given: str, name: str) -> None:
    assert TrainedStyle(TransformNetwork(width=1, blocks=0), StyleMetadata(given)).name == name
