from pathlib import Path

import pytest
import torch

from faststyle.benchmark.infer import difference
from faststyle.benchmark.reference import ReferenceLoss, ReferenceNetwork
from faststyle.benchmark.train import TrainTask, variants
from faststyle.encoder import VGGEncoder
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.losses.defaults import CONTENT, STATISTIC, STYLE, STYLE_WEIGHT
from faststyle.networks import TransformNetwork

ASSET = Path(__file__).resolve().parents[2] / "src/faststyle/assets/flow_field.png"


@pytest.mark.parametrize(("width", "blocks"), [(4, 1), (2, 3)])
def test_the_reference_network_is_ours_with_the_same_weights(width: int, blocks: int) -> None:
    network = TransformNetwork(width, blocks)
    reference = ReferenceNetwork(width, blocks).load(network.state_dict())
    photos = torch.rand(2, 3, 32, 40)
    torch.testing.assert_close(reference(photos), network(photos), rtol=1e-4, atol=1e-4)


def test_the_reference_loss_is_ours() -> None:
    encoder = VGGEncoder("vgg16", "random")
    style, photos, stylized = (
        torch.rand(3, 48, 48),
        torch.rand(2, 3, 32, 32),
        torch.rand(2, 3, 32, 32),
    )
    loss = PerceptualLoss(encoder, CONTENT, STYLE, style_weight=STYLE_WEIGHT, statistic=STATISTIC)
    loss.set_style([StyleImage(style)])
    reference = ReferenceLoss(encoder, CONTENT, STYLE, STYLE_WEIGHT, style)
    expected = loss(stylized, loss.targets(photos)).total
    found = reference(reference.encode(stylized), reference.encode(photos))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_both_train_alike_from_the_same_weights() -> None:
    task = TrainTask(ASSET, rounds=4, arch="vgg16", width=4, blocks=1, batch_size=2, size=32)
    losses = []
    for variant in variants(task, ["32"], reference=True):
        stages = variant.prepare()
        for _ in range(4):
            result = [run() for _, run in stages][-1]
        losses.append(result)
    assert len(losses[0]) == 4
    # A step of Adam at the start has the size of the rate, so that rounding grows.
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)


def test_the_same_picture_does_not_differ_and_a_shifted_one_does() -> None:
    picture = torch.rand(3, 16, 16).numpy()
    assert difference(picture, picture) == (0.0, 1.0)
    error, ssim = difference(picture, picture * 0.9)
    assert error == pytest.approx(picture.mean() * 0.1 * 255, rel=1e-4)
    assert ssim < 1
