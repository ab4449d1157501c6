"""Several threads may call one stylizer."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
import torch

from faststyle.images.pixels import Picture
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.regions import Regions
from faststyle.stylize.stylizer import Stylizer

#: Four sizes, at two places of the noise.
WAYS = list(product([(40, 48), (36, 60), (52, 44), (33, 70)], [(0, 0), (8, 12)]))
THREADS = 8


@pytest.fixture
def stylizer() -> Stylizer:
    torch.manual_seed(0)
    network = TransformNetwork(width=2, blocks=0, noise=2).eval().requires_grad_(False)
    return Stylizer(TrainedStyle(network, StyleMetadata(style="night")), device="cpu")


@pytest.mark.parametrize(
    ("calls", "tile", "is_masked"), [(1000, "off", False), (100, 32, False), (100, "off", True)]
)
def test_threads_with_several_sizes_get_what_calls_one_after_another_do(
    stylizer: Stylizer, calls: int, tile: int | str, is_masked: bool
) -> None:
    processor = Regions([stylizer]) if is_masked else stylizer

    def stylize(number: int) -> torch.Tensor:
        size, origin = WAYS[number % len(WAYS)]
        generator = torch.Generator().manual_seed(number % len(WAYS))
        masks = torch.full((1, *size), 255, dtype=torch.uint8) if is_masked else None
        picture = Picture(torch.rand(3, *size, generator=generator), masks=masks)
        [result] = processor.process([picture], RenderOptions(tile=tile), origin=origin)
        return result.pixels

    expected = [stylize(number) for number in range(len(WAYS))]
    with ThreadPoolExecutor(THREADS) as threads:
        found = threads.map(stylize, range(calls))
        assert all(each.equal(expected[number % len(WAYS)]) for number, each in enumerate(found))
