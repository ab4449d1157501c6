from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from benchmarks.reference import reference_network
from faststyle.networks import TransformNetwork, kernels


def _network(padding: str = "reflect", width: int = 4) -> TransformNetwork:
    torch.manual_seed(0)
    network = TransformNetwork(width=width, blocks=1, padding=padding).double()
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm2d):  # not the 1 and 0 that they start with
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return network


def _photos(height: int, width: int, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 3, height, width, generator=generator, dtype=torch.float64)


@pytest.fixture
def thin_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "STRIP_BYTES", 1)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 8), st.integers(2, 8), st.sampled_from(["reflect", "zero"]))
def test_the_pass_is_that_of_the_plain_modules(rows: int, columns: int, padding: str) -> None:
    network, photos = _network(padding), _photos(4 * rows, 4 * columns)
    with torch.no_grad():
        torch.testing.assert_close(network(photos), reference_network(network)(photos))


@pytest.mark.parametrize("padding", ["reflect", "zero"])
def test_the_pass_has_the_plain_modules_gradients(padding: str) -> None:
    network = _network(padding)
    photos, target = _photos(16, 20), _photos(16, 20).flip(2)
    gradients = []
    for run in (reference_network(network), network):
        x = photos.clone().requires_grad_()
        error = (run(x) - target).square().sum()
        named = dict(run.named_parameters())
        weights = [named[name] for name in network.state_dict()]
        gradients.append(torch.autograd.grad(error, [x, *weights]))
    for plain, quick in zip(*gradients, strict=True):
        torch.testing.assert_close(quick, plain, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("padding", ["reflect", "zero"])
@pytest.mark.parametrize("height", [64, 100, 124])
@pytest.mark.usefixtures("thin_strips")
def test_strips_meet_without_a_seam(padding: str, height: int) -> None:
    network, photos = _network(padding), _photos(height, 20)
    with torch.no_grad():
        torch.testing.assert_close(network(photos), reference_network(network)(photos))


def test_strips_are_used_for_large_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    heights = []
    pad = torch.nn.functional.pad

    def spy(x: Tensor, by: tuple[int, ...], *args: object, **options: object) -> Tensor:
        if any(by):
            heights.append(x.shape[2])
        return pad(x, by, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.functional, "pad", spy)
    monkeypatch.setattr(kernels, "STRIP_BYTES", 1 << 16)
    with torch.no_grad():
        _network()(_photos(256, 64))
    assert max(heights) < 100


@pytest.mark.parametrize("width", [8, 16, 24, 32])
def test_bfloat16_differs_by_less_than_one_gray_level_in_the_mean(width: int) -> None:
    network, photos = _network(width=width).float(), _photos(64, 64).float()
    with torch.no_grad():
        exact = network(photos)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network(photos)
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().mean() < 1 / 255


@pytest.mark.parametrize(
    "options", [{"norm": "batch"}, {"upsample": "transposed"}, {"padding": "reflect_start"}]
)
def test_other_networks_take_the_plain_road(options: dict[str, Any]) -> None:
    network = TransformNetwork(width=2, blocks=1, **options)
    assert not all(stage.layer.has_kernels for stage in network.stages())


def test_a_compiled_network_is_the_plain_one() -> None:
    network, photos = _network(), _photos(16, 16)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(photos), network(photos))
