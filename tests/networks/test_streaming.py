from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from faststyle.networks import TransformNetwork, streaming
from faststyle.networks.layers import (
    ConvNormReLU,
    OutputConv,
    ResidualBlock,
    make_conv,
    make_norm,
)
from faststyle.networks.regional import regional
from faststyle.networks.stages import Stage


def network(
    padding: str = "reflect", blocks: int = 2, output: str = "tanh", noise: int = 0
) -> TransformNetwork:
    torch.manual_seed(0)
    made = TransformNetwork(4, blocks, padding=padding, output=output, noise=noise).double().eval()
    for module in made.modules():
        if isinstance(module, nn.InstanceNorm2d):  # not the 1 and 0 that they start with
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return made


def photo(height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, 3, height, width, generator=generator, dtype=torch.float64)


CPU = torch.device("cpu")


def streamed(made: "TransformNetwork | Flat", picture: Tensor, rows: int) -> Tensor:
    calls: list[tuple[int, int]] = []
    parts, next_row = [], 0
    for start, strip in streaming.stream(
        made, picture, rows, picture.dtype, CPU, lambda done, total: calls.append((done, total))
    ):
        assert start == next_row
        next_row += strip.shape[2]
        parts.append(strip)
    assert calls == [(done, len(calls)) for done in range(1, len(calls) + 1)]
    return torch.cat(parts, dim=2)


@pytest.mark.parametrize("counted", [slice(None), slice(40)], ids=["all", "not in some strips"])
@pytest.mark.parametrize("size", [(90, 40), (61, 37)])
def test_strips_take_their_statistics_from_where_weights_say(
    size: tuple[int, int], counted: slice
) -> None:
    made, picture = network(noise=2), photo(*size)
    weights = torch.zeros(1, 1, *size, dtype=torch.float64)
    weights[:, :, counted].uniform_(generator=torch.Generator().manual_seed(1))
    strips = streaming.stream(made, picture, 16, picture.dtype, CPU, weights=weights)
    found = torch.cat([strip for _, strip in strips], 2)
    torch.testing.assert_close(found, regional(made, weights[0])(picture))


@settings(deadline=None, max_examples=30)
@given(
    st.integers(8, 90),
    st.integers(8, 40),
    st.integers(1, 60),
    st.sampled_from(["reflect", "zero"]),
    st.integers(0, 2),
    st.integers(0, 2),
)
def test_strips_make_the_picture_that_one_pass_makes(
    height: int, width: int, rows: int, padding: str, blocks: int, noise: int
) -> None:
    made, picture = network(padding, blocks, noise=noise), photo(height, width)
    with torch.no_grad():
        torch.testing.assert_close(streamed(made, picture, rows), made(picture))


class Flat(nn.Module):
    """Another network of the same layers, which never leaves the picture's size."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvNormReLU(make_conv(3, 4, 3, 1, "reflect"), make_norm("instance"))
        self.block = ResidualBlock(4, make_norm("instance"), "zero")
        self.head = OutputConv(4, "reflect")

    def stages(self) -> list[Stage]:
        return [Stage(self.first, 1, 1), Stage(self.block, 1, 2), Stage(self.head, 1, 4)]

    def activate(self, y: Tensor) -> Tensor:
        return y.sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages():
            x = stage.layer(x)
        return self.activate(x)


def test_other_networks_of_the_same_layers_are_streamed_too() -> None:
    torch.manual_seed(0)
    made, picture = Flat().double(), photo(40, 24)
    assert streaming.can_stream(made)
    with torch.no_grad():
        torch.testing.assert_close(streamed(made, picture, 16), made(picture))


@pytest.mark.parametrize("output", ["tanh", "linear", "sigmoid"])
def test_the_output_is_the_networks_own(output: str) -> None:
    made, picture = network(output=output), photo(40, 24)
    with torch.no_grad():
        torch.testing.assert_close(streamed(made, picture, 16), made(picture))


def test_statistics_of_far_brighter_rows_are_added_up_exactly() -> None:
    made, picture = network(), photo(64, 16)
    picture[:, :, 48:] *= 1e-4
    with torch.no_grad():
        torch.testing.assert_close(streamed(made, picture, 8), made(picture))


def test_the_network_itself_stays_as_it_is() -> None:
    made, picture = network(), photo(32, 32)
    with torch.no_grad():
        before = made(picture)
        streamed(made, picture, 16)
        assert made(picture).equal(before)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, True),
        ({"padding": "zero"}, True),
        ({"norm": "batch"}, False),
        ({"upsample": "transposed"}, False),
        ({"padding": "reflect_start"}, False),
    ],
)
def test_it_says_which_networks_it_knows(options: dict[str, Any], expected: bool) -> None:
    assert streaming.can_stream(TransformNetwork(2, 1, **options)) is expected


@pytest.mark.parametrize(("height", "width"), [(64, 48), (61, 47), (33, 70), (32, 36)])
@pytest.mark.parametrize("rows", [16, 40])
def test_strips_of_a_network_with_a_margin_are_the_whole(
    height: int, width: int, rows: int
) -> None:
    network = TransformNetwork(width=4, blocks=2, noise=2, margin=32).eval()
    photo = torch.rand(1, 3, height, width)
    strips = list(streaming.stream(network, photo, rows, torch.float32, CPU))
    starts = [start for start, _ in strips]
    assert starts == sorted(starts)
    found = torch.cat([strip for _, strip in strips], 2)
    with torch.no_grad():
        torch.testing.assert_close(found, network(photo), rtol=1e-4, atol=1e-4)


def test_as_many_strips_are_counted_as_computed_with_a_margin() -> None:
    network = TransformNetwork(width=4, blocks=1, margin=32).eval()
    photo, done = torch.rand(1, 3, 50, 40), []
    list(streaming.stream(network, photo, 16, torch.float32, CPU, lambda *at: done.append(at)))
    assert done == [(number, len(done)) for number in range(1, len(done) + 1)]
