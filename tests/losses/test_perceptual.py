from typing import Any

import pytest
import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder
from faststyle.losses import PerceptualLoss
from faststyle.losses.perceptual import StyleImage

CONTENT = {"relu2_1": 0.5, "relu3_1": 2.0}
STYLE = {"relu1_1": 1.0, "relu2_1": 3.0}


def _images(seed: int, count: int = 2, size: int = 16) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def _loss(encoder: VGGEncoder, **options: Any) -> PerceptualLoss:
    loss = PerceptualLoss(encoder, **{"content": CONTENT, "style": STYLE, **options})
    loss.set_style([StyleImage(_images(9, size=24)[0])])
    return loss


@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_the_loss_is_the_weighted_sum_of_its_formulas(scale: str) -> None:
    encoder = VGGEncoder("vgg11", "random").double()
    loss = PerceptualLoss(encoder, CONTENT, STYLE, 1.5, 4.0, 0.1, scale)
    style, images, photos = _images(9, 1).double(), _images(1).double(), _images(2).double()
    loss.set_style([StyleImage(style[0])])
    found = loss(images, loss.content_targets(photos))

    layers = [*CONTENT, *STYLE]
    x, p, s = (encoder(batch, layers) for batch in (images, photos, style))
    expected = torch.zeros(())
    for layer, weight in CONTENT.items():
        square = (x[layer] - p[layer]) ** 2
        norm = p[layer] ** 2 if scale == "relative" else torch.ones_like(p[layer])
        expected = expected + 1.5 * weight * (square.sum((1, 2, 3)) / norm.sum((1, 2, 3))).mean()
    for layer, weight in STYLE.items():
        grams = [torch.einsum("nchw,ndhw->ncd", f, f) / f[0].numel() for f in (x[layer], s[layer])]
        square = ((grams[0] - grams[1]) ** 2).sum((1, 2))
        energy = (grams[1] ** 2).sum() if scale == "relative" else 1.0
        expected = expected + 4.0 * weight * (square / energy).mean()
    down, right = images.diff(dim=2) ** 2, images.diff(dim=3) ** 2
    if scale == "relative":
        expected = expected + 0.1 * (down.mean() + right.mean())
    else:
        expected = expected + 0.1 * (down.sum() + right.sum()) / len(images)
    torch.testing.assert_close(found["loss"], expected, rtol=1e-10, atol=0)


def test_float32_agrees_with_float64_to_six_digits() -> None:
    single, double = VGGEncoder("vgg11", "random"), VGGEncoder("vgg11", "random").double()
    values = []
    for encoder, dtype in ((single, torch.float32), (double, torch.float64)):
        loss = PerceptualLoss(encoder, CONTENT, STYLE, tv_weight=1.0)
        loss.set_style([StyleImage(_images(9)[0].to(dtype))])
        values.append(loss(_images(1).to(dtype), loss.content_targets(_images(2).to(dtype))))
    for name, value in values[1].items():
        assert values[0][name].double().item() == pytest.approx(value.item(), rel=1e-5), name


@pytest.mark.parametrize("statistic", ["gram", "covariance", "moments"])
@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_gradients_pass_gradcheck(statistic: str, scale: str) -> None:
    encoder = VGGEncoder("vgg11", "random").double()
    loss = PerceptualLoss(
        encoder,
        {"relu1_1": 1},
        {"input": 1, "relu1_1": 1},
        tv_weight=0.5,
        scale=scale,
        statistic=statistic,
    )
    loss.set_style([StyleImage(_images(9)[0].double())])
    targets = loss.content_targets(_images(2, 1, 4).double())
    image = _images(1, 1, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, targets)["loss"], image)


def test_parts_add_up_to_the_loss(encoder: VGGEncoder) -> None:
    loss = _loss(encoder, tv_weight=0.3)
    terms = loss(_images(1), loss.content_targets(_images(2)))
    parts = sum(value for name, value in terms.items() if "/" in name) + terms["tv"]
    torch.testing.assert_close(parts, terms["loss"])
    assert {name for name in terms if "/" in name} == {
        *(f"content/{layer}" for layer in CONTENT),
        *(f"style/{layer}" for layer in STYLE),
    }


def test_the_style_itself_has_no_style_loss(encoder: VGGEncoder) -> None:
    style = _images(9, 1)
    loss = PerceptualLoss(encoder, {}, STYLE, statistic="moments")
    loss.set_style([StyleImage(style[0])])
    assert loss(style, {})["style"] < 1e-10


def test_targets_of_several_styles_are_their_weighted_mean(encoder: VGGEncoder) -> None:
    a, b = (PerceptualLoss(encoder, {}, STYLE) for _ in range(2))
    first, second = _images(1, 1)[0], _images(2, 1)[0]
    mixed = PerceptualLoss(encoder, {}, STYLE)
    a.set_style([StyleImage(first)])
    b.set_style([StyleImage(second)])
    mixed.set_style([StyleImage(first, 3.0), StyleImage(second, 1.0)])
    for name, value in mixed.named_buffers(recurse=False):
        torch.testing.assert_close(value, 0.75 * a.get_buffer(name) + 0.25 * b.get_buffer(name))


def test_content_goes_only_as_deep_as_its_layers_and_without_a_graph(encoder: VGGEncoder) -> None:
    loss = PerceptualLoss(encoder, {"relu1_1": 1.0}, {"relu4_1": 1.0})
    ran: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda m, *_: ran.append(m))
        for module in encoder.features
        if isinstance(module, nn.Conv2d)
    ]
    targets = loss.content_targets(_images(1).requires_grad_())
    for hook in hooks:
        hook.remove()
    assert len(ran) == 1
    assert not targets["relu1_1"].requires_grad


def test_a_layer_of_weight_zero_is_not_computed(encoder: VGGEncoder) -> None:
    loss = _loss(encoder, style={"relu1_1": 1.0, "relu4_1": 0.0})
    assert set(loss.style) == {"relu1_1"}


def test_nothing_of_the_loss_is_saved_or_trained(encoder: VGGEncoder) -> None:
    loss = _loss(encoder)
    assert not loss.state_dict()
    assert not list(loss.parameters())


def test_the_batch_is_averaged(encoder: VGGEncoder) -> None:
    loss, images, photos = _loss(encoder), _images(1), _images(2)
    whole = loss(images, loss.content_targets(photos))["loss"]
    halves = [loss(images[i : i + 1], loss.content_targets(photos[i : i + 1])) for i in (0, 1)]
    torch.testing.assert_close(whole, (halves[0]["loss"] + halves[1]["loss"]) / 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": {"relu3_9": 1.0}}, 'no layer "relu3_9"'),
        ({"content": {"relu9_9": 0.0}}, 'no layer "relu9_9"'),
        ({"scale": "papers"}, 'did you mean "paper"'),
        ({"statistic": "grams"}, 'did you mean "gram"'),
        ({"style_weight": -1.0}, "cannot be negative"),
        ({"tv_weight": -1.0}, "cannot be negative"),
    ],
)
def test_what_a_config_can_get_wrong_is_named(
    encoder: VGGEncoder, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        PerceptualLoss(encoder, **{"content": CONTENT, "style": STYLE, **options})
