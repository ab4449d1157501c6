from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from faststyle.networks.winograd import best_tile, convolve, make_transforms, transform_weights

TILES = (4, 6)


def _pictures(count: int, channels: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, channels, height, width, dtype=torch.float64, generator=generator)
    return x.contiguous(memory_format=torch.channels_last)


def _weights(outputs: int, inputs: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(outputs, inputs, 3, 3, dtype=torch.float64, generator=generator)


@pytest.fixture
def poisoned_memory() -> Iterator[None]:
    """New memory holds NaN, as it may by chance."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("tile", TILES)
def test_the_transforms_correlate_three_taps(tile: int) -> None:
    a, g, b = make_transforms(tile)
    x, w = torch.randn(tile + 2, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    direct = torch.stack([(w * x[i : i + 3]).sum() for i in range(tile)])
    torch.testing.assert_close(a @ ((g @ w) * (b @ x)), direct)


@pytest.mark.parametrize("tile", TILES)
def test_the_turned_transforms_correlate_the_taps_from_last_to_first(tile: int) -> None:
    a, g, b = make_transforms(tile).turned()
    x, w = torch.randn(tile + 2, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    direct = torch.stack([(w.flip(0) * x[i : i + 3]).sum() for i in range(tile)])
    torch.testing.assert_close(a @ ((g @ w) * (b @ x)), direct)


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(2, 40), st.integers(2, 40)),
    outputs=st.integers(1, 9),
    tile=st.sampled_from(TILES),
    padding=st.sampled_from([(1, "reflect"), (1, "constant"), (2, "constant")]),
)
def test_the_result_is_that_of_a_direct_convolution(
    size: tuple[int, int, int, int], outputs: int, tile: int, padding: tuple[int, str]
) -> None:
    x, weight = _pictures(*size), _weights(outputs, size[1])
    bias = torch.arange(outputs, dtype=torch.float64)
    pad, mode = padding
    direct = F.conv2d(F.pad(x, (pad,) * 4, mode=mode), weight, bias)
    result = convolve(x, transform_weights(weight, tile), bias, pad, mode)
    torch.testing.assert_close(result, direct, rtol=1e-9, atol=1e-9)
    assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("padding", [1, 2])
def test_turned_it_convolves_with_the_turned_kernel(tile: int, padding: int) -> None:
    x, weight = _pictures(2, 7, 19, 26), _weights(7, 5)
    direct = F.conv2d(x, weight.flip(2, 3).transpose(0, 1), padding=padding)
    kernel = transform_weights(weight, tile)
    result = convolve(x, kernel, None, padding, "constant", turned=True)
    torch.testing.assert_close(result, direct, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [(3, 4, 7, 9), (1, 4, 150, 41), (9, 4, 31, 30)])
@pytest.mark.parametrize("mode", ["reflect", "constant"])
@pytest.mark.parametrize("tile", TILES)
@pytest.mark.usefixtures("poisoned_memory")
def test_memory_that_was_not_written_has_no_part_in_it(
    size: tuple[int, int, int, int], mode: str, tile: int
) -> None:
    x, weight = _pictures(*size), _weights(5, 4)
    direct = F.conv2d(F.pad(x, (1,) * 4, mode=mode), weight)
    result = convolve(x, transform_weights(weight, tile), None, 1, mode)
    torch.testing.assert_close(result, direct, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("tile", "error"), [(4, 1.5e-6), (6, 5e-6)])
def test_in_float32_few_digits_are_lost(tile: int, error: float) -> None:
    x, weight = _pictures(1, 128, 48, 48).relu(), _weights(128, 128)
    exact = F.conv2d(x, weight, padding=1)
    result = convolve(x.float(), transform_weights(weight.float(), tile), None, 1, "constant")
    assert (result - exact).norm() < error * exact.norm()


@pytest.mark.parametrize(("side", "tile"), [(32, 4), (64, 6), (8, 4), (6, 6), (270, 6)])
def test_the_best_tile_makes_the_fewest_products(side: int, tile: int) -> None:
    products = {t: (-(-side // t) * (t + 2)) ** 2 for t in TILES}
    assert best_tile(side, side) == tile
    assert products[tile] == min(products.values())
