from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.networks.conditional import ConditionalInstanceNorm2d

TINY: dict[str, Any] = {"width": 2, "blocks": 1, "noise": 2}


def _network(styles: int, seed: int = 0) -> TransformNetwork:
    torch.manual_seed(seed)
    network = TransformNetwork(**TINY, styles=styles).double().eval()
    for parameter in network.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, 1, 0.5)
    return network


def _of_one_style(network: TransformNetwork, mixture: Tensor) -> TransformNetwork:
    """By the definition: every scale and shift is the mean of the styles', weighted."""
    plain = TransformNetwork(**TINY).double().eval()
    state = {
        key: torch.einsum("s,sc->c", mixture, value) if value.dim() == 2 else value
        for key, value in network.state_dict().items()
    }
    plain.load_state_dict(state)
    return plain


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.booleans())
def test_a_mixture_is_the_network_with_weighted_means_of_scales_and_shifts(
    shares: list[float], training: bool
) -> None:
    network, mixture = _network(3), torch.tensor(shares, dtype=torch.float64)
    plain, photos = _of_one_style(network, mixture).train(training), torch.rand(2, 3, 16, 20)
    photos = photos.double()
    torch.testing.assert_close(network.train(training)(photos, mixture), plain(photos))


def test_each_picture_of_a_batch_has_its_own_mixture() -> None:
    network, photos = _network(3), torch.rand(4, 3, 16, 16).double()
    mixtures = torch.rand(4, 3).double()
    together = network(photos, mixtures)
    for one, photo, mixture in zip(together, photos, mixtures, strict=True):
        torch.testing.assert_close(one, _of_one_style(network, mixture)(photo[None])[0])


def test_gradients_are_those_of_the_definition() -> None:
    network, photos = _network(2), torch.rand(2, 3, 16, 16).double()
    mixture = torch.tensor([[1.0, 0.0], [0.25, 0.75]]).double()
    network(photos, mixture).square().sum().backward()
    found = {name: parameter.grad for name, parameter in network.named_parameters()}
    network.zero_grad()
    for photo, shares in zip(photos, mixture, strict=True):
        plain = _of_one_style(network, shares)
        plain(photo[None]).square().sum().backward()
        for name, parameter in plain.named_parameters():
            assert parameter.grad is not None
            is_table = found[name].dim() == 2  # type: ignore[union-attr]
            part = torch.outer(shares, parameter.grad) if is_table else parameter.grad
            found[name] = found[name] - part  # type: ignore[operator]
    for name, rest in found.items():
        assert rest is not None
        torch.testing.assert_close(rest, torch.zeros_like(rest), rtol=0, atol=1e-9, msg=name)


@pytest.mark.parametrize("count", [1, 3])
def test_without_a_mixture_it_computes_nothing(count: int) -> None:
    with pytest.raises(ValueError, match="needs to know the mixture"):
        _network(3)(torch.rand(count, 3, 16, 16).double())


def test_autocast_rounds_no_scale() -> None:
    network = _network(2).float()
    mixture = torch.tensor([0.3, 0.7])
    plain, photos = _of_one_style(network, mixture).float(), torch.rand(1, 3, 32, 32)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(network(photos, mixture), plain(photos), rtol=0, atol=2e-3)


def test_the_plain_modules_compute_the_same_as_the_kernels() -> None:
    norm = ConditionalInstanceNorm2d(3, 2).double()
    x, weight, bias = torch.rand(2, 3, 5, 4), torch.rand(2, 3, 1, 1), torch.rand(2, 3, 1, 1)
    given = {"weight": weight.double(), "bias": bias.double()}
    found = torch.func.functional_call(norm, given, x.double())
    mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), correction=0, keepdim=True)
    expected = (x - mean) / (variance + 1e-5).sqrt() * weight + bias
    torch.testing.assert_close(found, expected.double(), rtol=1e-5, atol=1e-6)


def test_a_style_more_costs_a_fifth_of_a_percent_of_the_weights() -> None:
    def weights(styles: int) -> int:
        return sum(p.numel() for p in TransformNetwork(styles=styles).parameters())

    assert weights(3) - weights(2) == 2 * (32 + 64 + 128 + 10 * 128 + 64 + 32)
    assert (weights(3) - weights(2)) / weights(1) < 0.002


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"styles": 0}, "network.styles=0 must be a whole number"),
        ({"styles": 5000}, "network.styles=5000 must be"),
        ({"styles": 2, "norm": "batch"}, "several styles need network.norm=instance"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TransformNetwork(**{**TINY, **options})


def test_a_scale_is_not_rounded_to_the_precision_of_the_features() -> None:
    conditional, plain = ConditionalInstanceNorm2d(3, 2), nn.InstanceNorm2d(3, affine=True)
    weight, bias = torch.rand(3) + 1, torch.rand(3)
    plain.load_state_dict({"weight": weight, "bias": bias})
    x = torch.rand(1, 3, 8, 8).bfloat16()
    given = {"weight": weight.view(1, 3, 1, 1), "bias": bias.view(1, 3, 1, 1)}
    found = torch.func.functional_call(conditional, given, x)
    assert found.dtype == torch.bfloat16
    exact = torch.func.functional_call(conditional, given, x.float())
    # One rounding of what goes in and one of what comes out.
    torch.testing.assert_close(found.float(), exact, rtol=0, atol=0.03)
    assert (found.float() - exact).abs().mean() < 2 * (plain(x).float() - exact).abs().mean()
