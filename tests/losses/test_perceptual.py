import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder
from faststyle.losses import (
    STYLE_LOSSES,
    Moments,
    PerceptualLoss,
    RelativeEnergy,
    StatisticLoss,
    StyleImage,
)
from faststyle.losses.defaults import CONTENT as CONTENT_BY_DEFAULT
from faststyle.losses.defaults import STYLE as STYLE_BY_DEFAULT
from faststyle.losses.defaults import STYLE_WEIGHT
from faststyle.losses.grid import grid_energy

CONTENT = {"relu2_1": 0.5, "relu3_1": 2.0}
STYLE = {"relu1_1": 1.0, "relu2_1": 3.0}


def _images(seed: int, count: int = 2, size: int = 16) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def _loss(encoder: VGGEncoder, **options: Any) -> PerceptualLoss:
    given = {"content": CONTENT, "style": STYLE, "statistic": "gram", **options}
    loss = PerceptualLoss(encoder, **given)
    loss.set_style([StyleImage(_images(9, size=24)[0])])
    return loss


@pytest.mark.parametrize("scale", ["paper", "relative"])
def test_the_loss_is_the_weighted_sum_of_its_formulas(scale: str) -> None:
    encoder = VGGEncoder("vgg11", "random").double()
    loss = PerceptualLoss(encoder, CONTENT, STYLE, 1.5, 4.0, 0.1, scale, "gram")
    style, images, photos = _images(9, 1).double(), _images(1).double(), _images(2).double()
    loss.set_style([StyleImage(style[0])])
    found = loss(images, loss.targets(photos))

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
    torch.testing.assert_close(found.total, expected, rtol=1e-10, atol=0)


def test_float32_agrees_with_float64_to_six_digits() -> None:
    single, double = VGGEncoder("vgg11", "random"), VGGEncoder("vgg11", "random").double()
    values = []
    for encoder, dtype in ((single, torch.float32), (double, torch.float64)):
        loss = PerceptualLoss(encoder, CONTENT, STYLE, tv_weight=1.0, statistic="gram")
        loss.set_style([StyleImage(_images(9)[0].to(dtype))])
        values.append(loss(_images(1).to(dtype), loss.targets(_images(2).to(dtype))))
    for name, value in values[1].flat().items():
        assert values[0].flat()[name].double().item() == pytest.approx(value.item(), rel=1e-5), name


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
    targets = loss.targets(_images(2, 1, 4).double())
    image = _images(1, 1, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, targets).total, image)


def test_parts_add_up_to_the_loss(encoder: VGGEncoder) -> None:
    loss = _loss(encoder, tv_weight=0.3, grid_weight=0.2)
    terms = loss(_images(1), loss.targets(_images(2)))
    parts = sum(
        [*terms.content_layers.values(), *terms.style_layers.values(), *terms.others.values()]
    )
    torch.testing.assert_close(parts, terms.total)
    assert terms.others["grid"] == 0.2 * grid_energy(_images(1)).mean()
    assert terms.content_layers.keys() == CONTENT.keys()
    assert terms.style_layers.keys() == STYLE.keys()


def test_terms_have_flat_names(encoder: VGGEncoder) -> None:
    loss, bare = _loss(encoder, tv_weight=0.3, grid_weight=0.2), _loss(encoder)
    terms = loss(_images(1).requires_grad_(), loss.targets(_images(2)))
    layers = [*(f"content/{layer}" for layer in CONTENT), *(f"style/{layer}" for layer in STYLE)]
    assert list(terms.flat()) == ["loss", "content", "style", "tv", "grid", *layers]
    assert not any(value.requires_grad for value in terms.flat().values())
    assert list(bare(_images(1), bare.targets(_images(2))).flat())[3:] == layers


def test_the_style_itself_has_no_style_loss(encoder: VGGEncoder) -> None:
    style = _images(9, 1)
    loss = PerceptualLoss(encoder, {}, STYLE, statistic="moments")
    loss.set_style([StyleImage(style[0])])
    assert loss(style, loss.targets(None)).style < 1e-10


def test_targets_of_several_styles_are_their_weighted_mean(encoder: VGGEncoder) -> None:
    a, b = (PerceptualLoss(encoder, {}, STYLE, statistic="gram") for _ in range(2))
    first, second = _images(1, 1)[0], _images(2, 1)[0]
    mixed = PerceptualLoss(encoder, {}, STYLE, statistic="gram")
    a.set_style([StyleImage(first)])
    b.set_style([StyleImage(second)])
    mixed.set_style([StyleImage(first, 3.0), StyleImage(second, 1.0)])
    x, y, found = (loss.targets(None)["style"] for loss in (a, b, mixed))
    assert found.keys() == STYLE.keys()
    for layer, (value,) in found.items():
        torch.testing.assert_close(value, 0.75 * x[layer][0] + 0.25 * y[layer][0])


def test_content_goes_only_as_deep_as_its_layers_and_without_a_graph(encoder: VGGEncoder) -> None:
    loss = PerceptualLoss(encoder, {"relu1_1": 1.0}, {"relu4_1": 1.0})
    ran: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda m, *_: ran.append(m))
        for module in encoder.features
        if isinstance(module, nn.Conv2d)
    ]
    targets = loss.targets(_images(1).requires_grad_())
    for hook in hooks:
        hook.remove()
    assert len(ran) == 1
    assert not targets["content"]["relu1_1"][0].requires_grad


def test_a_layer_of_weight_zero_is_not_computed(encoder: VGGEncoder) -> None:
    loss = _loss(encoder, style={"relu1_1": 1.0, "relu4_1": 0.0})
    assert set(loss.terms["style"].layers) == {"relu1_1"}
    assert loss.layers == {"relu1_1", *CONTENT}


def test_nothing_of_the_loss_is_saved_or_trained(encoder: VGGEncoder) -> None:
    loss = _loss(encoder)
    assert not loss.state_dict()
    assert not list(loss.parameters())


def test_the_batch_is_averaged(encoder: VGGEncoder) -> None:
    loss, images, photos = _loss(encoder), _images(1), _images(2)
    whole = loss(images, loss.targets(photos)).total
    halves = [loss(images[i : i + 1], loss.targets(photos[i : i + 1])) for i in (0, 1)]
    torch.testing.assert_close(whole, (halves[0].total + halves[1].total) / 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": {"relu3_9": 1.0}}, 'no layer "relu3_9"'),
        ({"content": {"relu9_9": 0.0}}, 'no layer "relu9_9"'),
        ({"scale": "papers"}, 'did you mean "paper"'),
        ({"statistic": "grams"}, 'did you mean "gram"'),
        ({"statistic": {"_target_": "os.system"}}, "neither a name nor a style loss"),
        ({"statistic": {"name": "gram", "side": 3}}, 'style loss "gram": .* argument .side'),
        ({"statistic": 2}, "2 is neither a name nor a style loss"),
        ({"scale": 2}, "2 is neither a name nor a loss.scale"),
        ({"style_weight": -1.0}, "cannot be negative"),
        ({"tv_weight": -1.0}, r"loss\.tv_weight is -1\.0; it cannot be negative"),
        ({"grid_weight": -1.0}, r"loss\.grid_weight is -1\.0; it cannot be negative"),
    ],
)
def test_what_a_config_can_get_wrong_is_named(
    encoder: VGGEncoder, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        PerceptualLoss(encoder, **{"content": CONTENT, "style": STYLE, **options})


def test_a_loss_describes_itself_so_that_it_can_be_made_anew(encoder: VGGEncoder) -> None:
    style = {**STYLE, "relu4_1": 0.0}
    given = PerceptualLoss(encoder, CONTENT, style, 1.5, 4.0, 0.1, "paper", Moments(), 0.2)
    described = json.loads(json.dumps(given.describe()))
    assert described == {
        "content": CONTENT,
        "style": style,
        "content_weight": 1.5,
        "style_weight": 4.0,
        "tv_weight": 0.1,
        "grid_weight": 0.2,
        "scale": "paper",
        "statistic": "moments",
    }
    values = []
    for loss in (given, PerceptualLoss(encoder, **described)):
        loss.set_style([StyleImage(_images(9)[0])])
        values.append(loss(_images(1), loss.targets(_images(2))).total)
    assert torch.equal(*values)


class Deviations(StatisticLoss):
    """The standard deviation of each channel."""

    def statistics(self, features: Tensor) -> tuple[Tensor, ...]:
        return (features.std((2, 3)),)


class Halved(RelativeEnergy):
    """A normalization that no file knows."""


def test_a_statistic_is_one_class_and_one_line(
    encoder: VGGEncoder, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(UserError, match="style loss Deviations is not registered"):
        _loss(encoder, statistic=Deviations()).describe()
    STYLE_LOSSES.register("deviations")(Deviations)
    request.addfinalizer(lambda: STYLE_LOSSES.pop("deviations"))
    loss = _loss(encoder, statistic="deviations")
    assert loss.describe()["statistic"] == "deviations"
    images = _images(1).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(images, loss.targets(_images(2))).style, images)
    assert gradient.abs().sum() > 0


def test_options_that_no_name_stands_for_are_not_passed_over(encoder: VGGEncoder) -> None:
    loss = _loss(encoder, scale=Halved())
    with pytest.raises(UserError, match=r"loss\.scale Halved is not registered"):
        loss.describe()


def test_the_default_layers_of_the_config_are_those_of_the_code() -> None:
    loss = compose_config("train").loss
    assert loss.content == CONTENT_BY_DEFAULT
    assert loss.style == STYLE_BY_DEFAULT
    assert loss.style_weight == STYLE_WEIGHT
    assert compose_config("train", ["loss.style_weight=3"]).loss.style_weight == 3


def test_each_picture_may_have_a_style_of_its_own(encoder: VGGEncoder) -> None:
    images, photos, paintings = _images(1, 3), _images(2, 3), _images(9, 2, 24)
    together, alone = _loss(encoder, tv_weight=0.1), _loss(encoder, tv_weight=0.1)
    together.set_styles([[StyleImage(painting)] for painting in paintings])
    styles = torch.tensor([1, 0, 1])
    found = together(images, together.targets(photos, styles))
    expected = []
    for image, photo, style in zip(images, photos, styles, strict=True):
        alone.set_style([StyleImage(paintings[style])])
        expected.append(alone(image[None], alone.targets(photo[None])).total)
    torch.testing.assert_close(found.each, torch.stack(expected))
    torch.testing.assert_close(found.total, torch.stack(expected).mean())


def test_a_style_without_pictures_asks_for_the_photos_own_statistics(encoder: VGGEncoder) -> None:
    loss, painting, photos = _loss(encoder), StyleImage(_images(1)[0]), _images(2)
    loss.set_styles([[], [painting]])
    found = loss(photos, loss.targets(photos, torch.tensor([0, 1])))
    assert found.each[0] == pytest.approx(0, abs=1e-6)
    assert found.each[1] > 0.01


def test_beside_the_photo_a_painting_asks_for_what_it_does_alone(encoder: VGGEncoder) -> None:
    terms = {"palette": {"loss": "sliced_wasserstein", "weight": 1.0, "layers": {"input": 1.0}}}
    beside, alone = _loss(encoder, terms=terms), _loss(encoder, terms=terms)
    painting, photos, images = StyleImage(_images(1)[0]), _images(2), _images(3)
    beside.set_styles([[], [painting]])
    alone.set_style([painting])
    found = beside(images, beside.targets(photos, torch.tensor([0, 1])))
    torch.testing.assert_close(found.each[1], alone(images, alone.targets(photos)).each[1])


def test_the_photo_is_no_style_by_itself(encoder: VGGEncoder) -> None:
    with pytest.raises(UserError, match="name a painting, too"):
        _loss(encoder).set_styles([[]])


def test_several_styles_and_no_choice_are_a_mistake(encoder: VGGEncoder) -> None:
    loss = _loss(encoder)
    loss.set_styles([[StyleImage(painting)] for painting in _images(9)])
    with pytest.raises(ValueError, match="say which one"):
        loss.targets(_images(2))


TERMS = {
    "palette": {
        "loss": "sliced_wasserstein",
        "weight": 2.0,
        "layers": {"input": 1.0},
        "pool": 2,
        "projections": 12,
    },
    "self_similarity": {"weight": 1.5, "layers": {"relu2_1": 1.0, "relu3_1": 0.0}},
}


def test_further_terms_add_their_weighted_distances_at_each_layer(encoder: VGGEncoder) -> None:
    images, photos = _images(1), _images(2)
    plain, loss = _loss(encoder), _loss(encoder, terms=TERMS)
    without = plain(images, plain.targets(photos))
    found = loss(images, loss.targets(photos))
    added = found.others["palette"] + found.others["self_similarity"]
    torch.testing.assert_close(found.total, without.total + added)
    # Numbers are drawn in the order of the terms.
    generator = torch.Generator().manual_seed(0)
    for name, layer, wanted in (("palette", "input", _images(9, size=24)[:1]),):
        term = loss.terms[name]
        target = term.loss.target(encoder(wanted, [layer])[layer])
        value = 2 * term.loss(encoder(images, [layer])[layer], target, generator)
        torch.testing.assert_close(found.others[name], value.mean())


def test_the_encoder_sees_pictures_once_for_all_terms(encoder: VGGEncoder) -> None:
    loss, images = _loss(encoder, terms=TERMS), _images(1)
    targets = loss.targets(_images(2))
    calls: list[int] = []
    hook = encoder.register_forward_hook(lambda *_: calls.append(1))
    loss(images, targets)
    hook.remove()
    assert len(calls) == 1


def test_random_terms_are_a_function_of_their_generator(encoder: VGGEncoder) -> None:
    loss, images = _loss(encoder, terms=TERMS), _images(1)
    targets = loss.targets(_images(2))

    def value(seed: int | None) -> Tensor:
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        total: Tensor = loss(images, targets, generator).total
        return total

    assert torch.equal(value(5), value(5))
    assert torch.equal(value(None), value(None))
    assert not torch.equal(value(5), value(6))


def test_terms_of_a_picture_do_not_depend_on_the_others_of_its_batch(encoder: VGGEncoder) -> None:
    loss, images, photos = _loss(encoder, terms=TERMS), _images(1), _images(2)
    together = loss(images, loss.targets(photos)).each
    alone = [loss(images[i : i + 1], loss.targets(photos[i : i + 1])).each[0] for i in (0, 1)]
    torch.testing.assert_close(together, torch.stack(alone))


def test_terms_are_described_in_full_and_made_anew(encoder: VGGEncoder) -> None:
    given = _loss(encoder, terms=TERMS)
    described = json.loads(json.dumps(given.describe()))
    assert described["terms"]["palette"] == {**TERMS["palette"], "samples": 16384, "contrast": 1.0}
    again = PerceptualLoss(encoder, **described)
    again.set_style([StyleImage(_images(9, size=24)[0])])
    values = [loss(_images(1), loss.targets(_images(2))).total for loss in (given, again)]
    assert torch.equal(*values)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ({"tv": {"weight": 1, "layers": {}}}, "has a term of that name already"),
        ({"palette": {"layers": {}}}, "needs weight and layers: 'weight' is missing"),
        ({"gramm": {"weight": 1, "layers": {}}}, 'terms.gramm: unknown loss "gramm": did you'),
        (
            {"own": {"weight": 1, "layers": {"input": 1}, "loss": Moments(), "side": 4, "pool": 2}},
            "loss.terms.own: its loss is an object, which cannot take side, pool",
        ),
        (
            {"own": {"weight": 1, "layers": {"input": 1}, "loss": {"name": "gram"}}},
            "loss.terms.own: unknown loss",
        ),
        ({"gram": {"weight": -1, "layers": {"input": 1}}}, "cannot be negative"),
        ({"gram": {"weight": 1, "layers": {"relu9_1": 1}}}, 'no layer "relu9_1"'),
        (
            {"relaxed_emd": {"weight": 1, "layers": {"input": 1}, "places": 0}},
            "style loss.places=0 must be a whole number from 1 to 65536",
        ),
    ],
)
def test_what_is_wrong_with_a_term_is_named(
    encoder: VGGEncoder, term: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        _loss(encoder, terms=term)
