from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork

TINY: dict[str, Any] = {"width": 2, "blocks": 1}


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 50),
    st.integers(1, 50),
    st.sampled_from(["resize", "transposed"]),
    st.sampled_from(["reflect", "zero", "reflect_start"]),
)
def test_any_size_comes_out_as_it_went_in(h: int, w: int, upsample: str, padding: str) -> None:
    network = TransformNetwork(**TINY, upsample=upsample, padding=padding).eval()
    with torch.no_grad():
        result = network(torch.rand(1, 3, h, w))
    assert result.shape == (1, 3, h, w)
    assert torch.isfinite(result).all()


@pytest.mark.parametrize("output", ["tanh", "sigmoid"])
def test_bounded_outputs_stay_in_unit_range(output: str) -> None:
    network = TransformNetwork(**TINY, output=output)
    nn.init.normal_(network.head.weight, std=100)
    result = network(torch.rand(1, 3, 16, 16))
    assert result.min() >= 0
    assert result.max() <= 1


def test_linear_output_may_leave_unit_range() -> None:
    network = TransformNetwork(**TINY, output="linear")
    assert network.head.bias is not None
    nn.init.constant_(network.head.bias, 7.0)
    assert network(torch.rand(1, 3, 16, 16)).max() > 1


def test_the_default_has_the_papers_1_68_million_weights() -> None:
    # 3 -> 32 -> 64 -> 128, ten 3x3 convolutions of 128, and back; two numbers a norm's channel.
    convolutions = [(3, 32, 9), (32, 64, 3), (64, 128, 3)]
    convolutions += [(128, 128, 3)] * 10 + [(128, 64, 3), (64, 32, 3), (32, 3, 9)]
    expected = sum(i * o * k * k + o for i, o, k in convolutions)
    expected += 2 * (32 + 64 + 128 + 10 * 128 + 64 + 32)
    assert sum(p.numel() for p in TransformNetwork().parameters()) == expected


def _multiply_adds(network: TransformNetwork) -> int:
    total = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)
        total += module.weight[0].numel() * output.numel()

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    with torch.no_grad():
        plain = torch.compile(network, backend="eager")  # kernels of our own would call no module
        plain(torch.rand(1, 3, 64, 64))
    return total


@pytest.mark.parametrize(("name", "thousands"), [("johnson", 154), ("small", 10)])
def test_multiply_adds_a_pixel_are_what_the_configs_say(name: str, thousands: int) -> None:
    config = compose_config("train", [f"network={name}"]).network
    found = _multiply_adds(TransformNetwork(config.width, config.blocks)) / 64**2 / 1000
    assert found == pytest.approx(thousands, rel=0.05)


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_only_batch_norm_keeps_running_statistics(norm: str) -> None:
    keys = TransformNetwork(**TINY, norm=norm).state_dict()
    assert any("running_mean" in key for key in keys) == (norm == "batch")


def test_the_papers_network_reflects_once_and_pads_no_residual_block() -> None:
    network = TransformNetwork(norm="batch", upsample="transposed", padding="reflect_start")
    assert network.reflection == 40
    convolutions = [m for m in network.blocks.modules() if isinstance(m, nn.Conv2d)]
    assert {convolution.padding for convolution in convolutions} == {(0, 0)}


def test_reflection_leaves_no_border_on_a_plain_picture() -> None:
    plain = torch.full((1, 3, 64, 64), 0.7)
    result = TransformNetwork(**TINY)(plain)
    assert (result - result[..., 32:33, 32:33]).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "instanse"}, 'did you mean "instance"'),
        ({"upsample": "nearest"}, "choose one of: resize, transposed"),
        ({"width": 0}, "from 1 to 1024"),
        ({"blocks": 10**9}, "from 0 to 64"),
        ({"width": 1.5}, "whole number"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TransformNetwork(**options)


@pytest.mark.parametrize("size", [(64, 48), (61, 47), (20, 90)])
def test_a_margin_is_the_reflected_picture_and_its_result_cropped(size: tuple[int, int]) -> None:
    with_margin = TransformNetwork(width=4, blocks=1, noise=1, margin=16).eval()
    plain = TransformNetwork(width=4, blocks=1, noise=1).eval()
    plain.load_state_dict(with_margin.state_dict())
    photo = torch.rand(2, 3, *size)
    height, width = size
    padded = F.pad(photo, (0, -width % 4, 0, -height % 4), mode="replicate")
    reflected = F.pad(padded, (16,) * 4, mode="reflect")
    with torch.no_grad():
        expected = plain(reflected)[..., 16 : 16 + height, 16 : 16 + width]
        torch.testing.assert_close(with_margin(photo), expected)


def test_a_margin_that_strides_do_not_divide_is_refused() -> None:
    with pytest.raises(UserError, match=r"network\.margin=6 must be a multiple of 4"):
        TransformNetwork(margin=6)
