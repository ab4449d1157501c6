from typing import Any

import pytest
import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder
from faststyle.losses import ReconstructionLoss
from faststyle.losses.local_gram import LocalGram

CONTENT = {"relu1_1": 0.5, "relu2_1": 2.0}


def _images(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, 16, 16, generator=generator, dtype=torch.float64)


def test_the_loss_is_the_weighted_sum_of_features_and_pixels() -> None:
    encoder, made, truth = VGGEncoder("vgg11", "random").double(), _images(0), _images(1)
    found = ReconstructionLoss(encoder, CONTENT, {}, 3.0, 0.0, 10.0)(made, truth)
    y, t = encoder(made, CONTENT), encoder(truth, CONTENT)
    content = [
        weight * ((y[name] - t[name]) ** 2).sum((1, 2, 3)) / (t[name] ** 2).sum((1, 2, 3))
        for name, weight in CONTENT.items()
    ]
    pixel = ((made - truth) ** 2).mean((1, 2, 3))
    torch.testing.assert_close(found.content, 3 * sum(content).mean())
    torch.testing.assert_close(found.others["pixel"], 10 * pixel.mean())
    torch.testing.assert_close(found.each, 3 * sum(content) + 10 * pixel)
    torch.testing.assert_close(found.total, found.content + found.others["pixel"])


def test_texture_is_the_distance_of_gram_matrices_of_parts() -> None:
    encoder, made, truth = VGGEncoder("vgg11", "random").double(), _images(0), _images(1)
    loss = ReconstructionLoss(encoder, {}, {"relu1_1": 0.5}, content_weight=0, texture_weight=4)
    found = loss(made, truth)
    (y,), (t,) = (
        LocalGram().statistics(encoder(each, ["relu1_1"])["relu1_1"]) for each in (made, truth)
    )
    expected = 2 * ((y - t) ** 2).sum((1, 2, 3)) / (t**2).sum((1, 2, 3))
    torch.testing.assert_close(found.each, expected)
    torch.testing.assert_close(found.style, expected.mean())


def test_a_pattern_counts_as_far_as_the_truth_has_none() -> None:
    truth, made = torch.zeros(2, 3, 16, 16).double(), torch.zeros(2, 3, 16, 16).double()
    made[0, :, ::2] = 0.4  # rows that alternate: a variance of 0.2^2
    loss = ReconstructionLoss(None, {}, content_weight=0, pixel_weight=1, grid_weight=10)
    torch.testing.assert_close(loss(made, truth).others["grid"], torch.tensor(0.2).double())
    assert float(loss(truth, made).others["grid"]) == 0


def test_pixels_alone_need_no_loss_network() -> None:
    found = ReconstructionLoss(None, CONTENT, content_weight=0.0, pixel_weight=1.0)(
        _images(0), _images(1)
    )
    assert float(found.total) == pytest.approx(float((_images(0) - _images(1)).square().mean()))
    assert float(found.content) == 0


def test_a_file_is_told_what_it_was_trained_with(encoder: VGGEncoder) -> None:
    described = ReconstructionLoss(encoder, CONTENT, {}, 3.0, 0.0, 10.0).describe()
    assert described == {
        "scale": "relative",
        "content": CONTENT,
        "texture": {},
        "content_weight": 3.0,
        "texture_weight": 0.0,
        "pixel_weight": 10.0,
        "grid_weight": 0.0,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"content_weight": 0.0}, "one must be above 0"),
        ({"pixel_weight": -1.0}, "none can be negative"),
        ({"content": {}}, "loss.content names no layer"),
        ({"texture_weight": 1.0}, "loss.texture names no layer"),
        ({"encoder": None}, "loss.content names no layer"),
        ({"content": {"relu9_9": 1.0}}, "relu9_9"),
        ({"scale": "papr"}, 'unknown loss.scale "papr": did you mean "paper"'),
    ],
)
def test_weights_that_ask_for_nothing_are_refused(
    encoder: VGGEncoder, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        ReconstructionLoss(**{"encoder": encoder, "content": CONTENT, **options})
