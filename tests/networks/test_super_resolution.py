from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.networks import SuperResolutionNetwork
from faststyle.networks.super_resolution import FACTORS, UPSAMPLINGS
from faststyle.styles import TrainedStyle, load_style, write_style


def network(**options: Any) -> SuperResolutionNetwork:
    """With a last layer that is not the 0 that it begins with."""
    torch.manual_seed(0)
    made = SuperResolutionNetwork(**{"width": 4, "blocks": 1, **options}).double().eval()
    nn.init.normal_(made.head.weight)
    return made


def photo(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 3, height, width, generator=generator, dtype=torch.float64)


def keys(distance: Tensor, a: float) -> Tensor:
    """Keys (1981), equation 4, of whole distances between pixels."""
    d = distance.abs()
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * (d**3 - 5 * d**2 + 8 * d - 4)
    return torch.where(d <= 1, near, torch.where(d < 2, far, 0.0))


def bicubic_matrix(length: int, factor: int) -> Tensor:
    """What enlarges a column of so many pixels, its ends repeated."""
    place = (torch.arange(factor * length).double() + 0.5) / factor - 0.5
    taps = torch.arange(-3, length + 3)
    weights = keys(place[:, None] - taps, -0.75)
    result = torch.zeros(factor * length, length, dtype=torch.float64)
    return result.index_add_(1, taps.clamp(0, length - 1), weights)


@pytest.mark.parametrize("factor", FACTORS)
def test_an_untrained_network_is_the_bicubic_enlargement(factor: int) -> None:
    made, x = SuperResolutionNetwork(factor, width=2, blocks=1).double(), photo(12, 16)
    expected = bicubic_matrix(12, factor) @ x @ bicubic_matrix(16, factor).T
    torch.testing.assert_close(made(x), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("upsample", UPSAMPLINGS)
@pytest.mark.parametrize("size", [(4, 4), (5, 19), (17, 8)])
def test_any_size_is_multiplied_by_the_factor(
    factor: int, upsample: str, size: tuple[int, int]
) -> None:
    made = network(factor=factor, upsample=upsample)
    assert made(photo(*size)).shape == (1, 3, factor * size[0], factor * size[1])


def test_the_result_is_the_formula_of_its_layers() -> None:
    made, x = network(factor=4, blocks=2), photo(12, 16)

    def convolved(y: Tensor, conv: nn.Module, reach: int) -> Tensor:
        assert isinstance(conv, nn.Conv2d)
        return F.conv2d(F.pad(y, (reach,) * 4, mode="reflect"), conv.weight, conv.bias)

    y = convolved(x, made.stem[0], 4).clamp_min(0)
    for block in made.blocks:
        y = y + convolved(convolved(y, block.conv1, 1).clamp_min(0), block.conv2, 1)  # type: ignore[arg-type]
    for up in made.ups:
        doubled = y.repeat_interleave(2, 2).repeat_interleave(2, 3)
        y = convolved(doubled, up.conv, 1).clamp_min(0)  # type: ignore[arg-type]
    details = convolved(y, made.head, 4)
    bicubic = bicubic_matrix(12, 4) @ x @ bicubic_matrix(16, 4).T
    torch.testing.assert_close(made(x), bicubic + details)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("upsample", UPSAMPLINGS)
@pytest.mark.parametrize("blocks", [0, 3])
def test_a_pixel_depends_on_nothing_beyond_the_halo(
    factor: int, upsample: str, blocks: int
) -> None:
    made = network(factor=factor, upsample=upsample, blocks=blocks)
    x = photo(61, 61).requires_grad_()
    first, last = 30 * factor, 31 * factor - 1
    seen = made(x)[0, 0, [first, last]][:, [first, last]].sum()
    (gradient,) = torch.autograd.grad(seen, x)
    rows, columns = gradient[0].abs().sum(0).nonzero().T
    reach = max(rows.max() - 30, 30 - rows.min(), columns.max() - 30, 30 - columns.min())
    assert reach <= made.halo <= reach + 5


def test_what_is_shuffled_begins_as_repeated_pixels() -> None:
    """Aitken et al. (2017): no checkerboard to begin with."""
    made = network(factor=2, upsample="shuffle")
    [up] = made.ups
    y: Tensor = up(photo(9, 9).repeat(1, 2, 1, 1)[:, :4])
    assert y.std() > 0.01
    torch.testing.assert_close(y, y[..., ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3))


@pytest.mark.parametrize("factor", FACTORS)
def test_the_default_is_a_file_of_less_than_2_megabytes_and_comes_back(
    tmp_path: Path, factor: int
) -> None:
    made, path = SuperResolutionNetwork(factor), tmp_path / "a.safetensors"
    write_style(TrainedStyle(made), path)
    assert path.stat().st_size < 2e6
    found = load_style(path)
    assert found.metadata.factor == factor
    x = torch.from_numpy(np.random.default_rng(0).random((1, 3, 9, 9), dtype=np.float32))
    torch.testing.assert_close(found.network(x), made(x), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 3}, "factor=3: networks enlarge by one of 2, 4, 8"),
        ({"factor": 4.0}, r"factor=4\.0: networks enlarge by one of 2, 4, 8"),
        ({"upsample": "shufle"}, 'network.upsample="shufle": did you mean "shuffle"'),
        ({"width": 0}, "network.width=0 must be a whole number from 1 to 1024"),
        ({"blocks": 2.5}, "network.blocks=2.5 must be a whole number from 0 to 64"),
    ],
)
def test_what_is_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        SuperResolutionNetwork(**options)
