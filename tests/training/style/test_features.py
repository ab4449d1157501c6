import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.training.style.module import EncoderFeatures


def _by_hand(network: TransformNetwork, photos: Tensor) -> Tensor:
    x = network.down2(network.down1(network.stem(photos)))
    if network.noise:
        x = network.noise(x)
    features: Tensor = network.blocks(x)
    return features


@pytest.mark.parametrize("blocks", [0, 2])
@pytest.mark.parametrize(
    "options", [{}, {"noise": 2}, {"norm": "batch"}, {"upsample": "transposed"}]
)
def test_they_are_what_the_residual_blocks_make(blocks: int, options: dict[str, Any]) -> None:
    network = TransformNetwork(width=2, blocks=blocks, **options).eval()
    features = EncoderFeatures(network)
    photos = torch.rand(2, 3, 16, 24)
    network(photos)
    assert features.stride == 4
    torch.testing.assert_close(features.take(), _by_hand(network, photos))


def test_they_are_of_each_pictures_own_mixture_of_styles_and_have_a_gradient() -> None:
    network = TransformNetwork(width=2, blocks=1, styles=2)
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    features = EncoderFeatures(network)
    photos = torch.rand(1, 3, 16, 16).expand(2, -1, -1, -1)
    network(photos, torch.eye(2))
    first, second = features.take()
    network(photos[:1], torch.eye(2)[1:])
    torch.testing.assert_close(features.take()[0], second)
    assert not torch.allclose(first, second)
    first.square().sum().backward()
    gradients = [norm.grad for norm in network.blocks.parameters() if norm.dim() == 2]
    for gradient in gradients:
        assert gradient is not None
        assert gradient[0].any()
        assert not gradient[1].any()


def test_they_are_the_same_without_the_kernels_of_a_cpu_and_in_reduced_precision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = TransformNetwork(width=4, blocks=1)
    features = EncoderFeatures(network)
    photos = torch.rand(1, 3, 16, 16)
    network(photos)
    fast = features.take()
    with torch.autocast("cpu", torch.bfloat16):
        network(photos)
        rounded = features.take()
    assert rounded.dtype == torch.bfloat16
    assert ((rounded - fast).square().mean() / fast.square().mean()).sqrt() < 0.05
    monkeypatch.setattr("faststyle.networks.kernels.use_cpu_kernels", lambda _: False)
    monkeypatch.setattr("faststyle.networks.layers.use_cpu_kernels", lambda _: False)
    network(photos)
    torch.testing.assert_close(features.take(), fast)


def test_a_copy_of_the_network_keeps_its_own() -> None:
    network = TransformNetwork(width=2, blocks=1)
    features = EncoderFeatures(network)
    copied = copy.deepcopy(network)
    first, second = torch.rand(2, 1, 3, 16, 16)
    network(first)
    copied(second)
    torch.testing.assert_close(features.take(), _by_hand(network, first))


class _Flat(nn.Module):
    def forward(self, photos: Tensor) -> Tensor:
        return photos


class _Staged(_Flat):
    def stages(self) -> list[Any]:
        return []


@pytest.mark.parametrize("kind", [_Flat, _Staged])
def test_a_network_without_up_sampling_has_none(kind: type[nn.Module]) -> None:
    with pytest.raises(UserError, match=r"temporal\.feature_weight: _\w+ has no stage that"):
        EncoderFeatures(kind())
