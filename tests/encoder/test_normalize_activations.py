import copy

import pytest
import torch

from faststyle.encoder import VGGEncoder
from faststyle.encoder.activations import normalize_activations, photo_like_noise


@pytest.mark.parametrize("arch", ["vgg11", "vgg11_bn"])
def test_every_relu_gives_one_in_the_mean(arch: str) -> None:
    encoder = VGGEncoder(arch, "random", unit_activations=True)
    relus = [name for name in encoder.names if name.startswith("relu")]
    features = encoder(photo_like_noise() * encoder.std + encoder.mean, relus)
    for name, value in features.items():
        assert value.mean() == pytest.approx(1, abs=1e-3), name


@pytest.mark.parametrize("arch", ["vgg11", "vgg16_bn"])
def test_only_the_scale_of_features_changes(arch: str) -> None:
    plain = VGGEncoder(arch, "random")
    # Biases are what a wrong scale of the layer before would show in.
    for name, value in plain.features.named_buffers():
        if name.endswith("bias"):
            value.fill_(0.1)
    rescaled = copy.deepcopy(plain)
    normalize_activations(rescaled.features)
    photo = torch.rand(1, 3, 64, 64)
    for layer in ("relu1_1", "relu3_1", "relu5_1"):
        before, after = plain(photo, [layer])[layer], rescaled(photo, [layer])[layer]
        ratio = before.sum() / after.sum()
        assert torch.allclose(after * ratio, before, rtol=1e-3, atol=float(before.max()) * 1e-5)
