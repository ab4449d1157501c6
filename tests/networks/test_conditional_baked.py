import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from faststyle.networks import NETWORKS, StyleInterpolator, TransformNetwork, bake_style
from faststyle.networks.streaming import stream


def _network(styles: int = 3) -> TransformNetwork:
    torch.manual_seed(0)
    network = TransformNetwork(4, 2, noise=2, styles=styles).eval().requires_grad_(False)
    for parameter in network.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, 1, 0.5)
    return network


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_collapsed_and_conditional_give_the_same_picture(shares: list[float]) -> None:
    network, mixture, photos = _network(), torch.tensor(shares), torch.rand(2, 3, 32, 40)
    plain = bake_style(network, mixture)
    torch.testing.assert_close(plain(photos), network(photos, mixture), rtol=0, atol=1e-5)


def test_a_mixture_is_an_ordinary_network() -> None:
    network = _network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    plain = bake_style(network, torch.tensor([0.0, 1.0, 0.0]))
    ordinary = TransformNetwork(4, 2, noise=2)
    assert NETWORKS.describe(plain) == NETWORKS.describe(ordinary)
    assert plain.state_dict().keys() == ordinary.state_dict().keys()
    assert not any(parameter.requires_grad for parameter in plain.parameters())
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


def test_a_mixture_can_be_computed_in_strips() -> None:
    plain, photo = bake_style(_network(), torch.tensor([0.2, 0.3, 0.5])), torch.rand(1, 3, 160, 64)
    assert isinstance(plain, TransformNetwork)
    strips = [strip for _, strip in stream(plain, photo, 32, torch.float32, photo.device)]
    torch.testing.assert_close(torch.cat(strips, 2), plain(photo), rtol=0, atol=1e-5)


def test_the_mixture_can_be_changed_in_place() -> None:
    network, photos = _network(), torch.rand(1, 3, 32, 32)
    first, second = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.1, 0.2, 0.7])
    plain = bake_style(network, first).to(memory_format=torch.channels_last)
    mixer = StyleInterpolator(network, plain)
    for mixture in (first, second, first):
        mixer.mix(mixture)
        torch.testing.assert_close(plain(photos), bake_style(network, mixture)(photos))
