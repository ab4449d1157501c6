import copy
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder
from faststyle.encoder.vgg import ARCHITECTURES
from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD
from faststyle.networks import winograd

# Numbers of convolutions in each block (Simonyan and Zisserman, 2015, table 1).
BLOCKS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_layers_are_named_as_in_the_paper(arch: str) -> None:
    encoder = VGGEncoder(arch, "random")
    expected = {f"pool{block}" for block in range(1, 6)}
    for block, count in enumerate(BLOCKS[arch.removesuffix("_bn")], start=1):
        expected |= {f"{kind}{block}_{i}" for kind in ("conv", "relu") for i in range(1, count + 1)}
    assert {name for name in encoder.names if not name.startswith("bn")} == expected


@pytest.mark.parametrize("arch", ["vgg16", "vgg13_bn"])
def test_features_are_torchvisions(arch: str) -> None:
    encoder = VGGEncoder(arch, "random")
    features = torchvision.models.get_model(arch, weights=None).features.eval()
    features.load_state_dict(dict(encoder.features.named_buffers()))
    images = torch.rand(2, 3, 32, 32)
    x = torchvision.transforms.functional.normalize(images, IMAGENET_MEAN, IMAGENET_STD)
    layers = ["conv1_1", "relu1_1", "relu2_2", "conv4_2", "pool5"]
    found = encoder(images, layers)
    with torch.no_grad():
        for name, module in zip(encoder.names, features, strict=True):
            x = module(x.clone())
            if name in layers:
                torch.testing.assert_close(found[name], x)
    assert set(found) == set(layers)


def test_input_layer_is_the_normalized_picture(encoder: VGGEncoder) -> None:
    gray = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert encoder(gray, ["input"])["input"].abs().max() < 1e-6


def test_it_runs_no_deeper_than_asked(encoder: VGGEncoder) -> None:
    ran: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda m, *_: ran.append(m))
        for module in encoder.features
        if isinstance(module, nn.Conv2d)
    ]
    encoder(torch.rand(1, 3, 16, 16), ["relu2_1", "relu1_1"])
    for hook in hooks:
        hook.remove()
    assert len(ran) == 2


def test_average_pooling_takes_means() -> None:
    encoder = VGGEncoder("vgg11", "random", pooling="avg")
    found = encoder(torch.rand(1, 3, 8, 8), ["relu1_1", "pool1"])
    means = found["relu1_1"].unflatten(3, (4, 2)).unflatten(2, (4, 2)).mean((3, 5))
    torch.testing.assert_close(found["pool1"], means)


def test_it_is_frozen_and_in_no_state_dict(encoder: VGGEncoder) -> None:
    assert not list(encoder.parameters())
    assert not encoder.state_dict()
    assert not VGGEncoder("vgg11_bn", "random").train().features.training


def test_the_gradient_reaches_the_picture(encoder: VGGEncoder) -> None:
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    features: Tensor = encoder(image, ["relu3_1"])["relu3_1"]
    features.sum().backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    assert image.grad.abs().sum() > 0


def test_it_moves_with_the_module_around_it() -> None:
    outer = nn.Sequential(VGGEncoder("vgg11", "random")).double()
    assert {buffer.dtype for buffer in outer.buffers()} == {torch.float64}


def test_a_picture_smaller_than_the_pooling_still_has_features(encoder: VGGEncoder) -> None:
    assert encoder(torch.rand(1, 3, 1, 3), ["pool5"])["pool5"].shape[1] == 512


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arch": "vgg18"}, 'did you mean "vgg1'),
        ({"arch": "vgg11", "weights": "random", "pooling": "min"}, "choose max or avg"),
    ],
)
def test_unknown_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        VGGEncoder(**options)


def test_an_unknown_layer_is_named_with_the_nearest(encoder: VGGEncoder) -> None:
    with pytest.raises(UserError, match='vgg11 has no layer "relu3_3": did you mean "relu3_'):
        encoder(torch.rand(1, 3, 8, 8), ["relu3_3"])


def test_large_features_and_their_gradients_are_those_of_direct_convolutions() -> None:
    encoder, layers = VGGEncoder("vgg11", "random"), ["relu1_1", "relu2_1", "relu4_2"]
    exact = copy.deepcopy(encoder).double()  # which float64 takes
    photo = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    features, gradients = [], []
    for network, pixels in ((exact, photo.double()), (encoder, photo)):
        pixels.requires_grad_()
        found = network(pixels, layers)
        (gradient,) = torch.autograd.grad(sum(f.square().mean() for f in found.values()), pixels)
        features.append(found)
        gradients.append(gradient)
    for layer, value in features[0].items():
        assert (features[1][layer] - value).norm() < 1e-5 * value.norm()
    assert (gradients[1] - gradients[0]).norm() < 1e-4 * gradients[0].norm()


def test_weights_are_transformed_once_for_winograds_algorithm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder, tiles = VGGEncoder("vgg11", "random"), []
    transform = winograd.transform_weights

    def spy(weight: torch.Tensor, tile: int) -> torch.Tensor:
        tiles.append(tile)
        return transform(weight, tile)

    monkeypatch.setattr(winograd, "transform_weights", spy)
    for _ in range(2):
        encoder(torch.rand(1, 3, 128, 128), ["relu3_1"])
    assert len(tiles) == 1
    encoder(torch.rand(1, 3, 192, 192), ["relu3_1"])
    assert len(tiles) == len(set(tiles)) == 2
