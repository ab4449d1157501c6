from pathlib import Path

import pytest
import torch

from faststyle.benchmark.infer import InferTask, difference
from faststyle.benchmark.infer import variants as infer_variants
from faststyle.benchmark.reference import ReferenceLoss
from faststyle.benchmark.reference_network import ReferenceNetwork
from faststyle.benchmark.train import TrainTask, variants
from faststyle.encoder import VGGEncoder
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.losses.defaults import CONTENT, STYLE, STYLE_WEIGHT
from faststyle.networks import TransformNetwork
from faststyle.styles import catalog

ROOT = Path(__file__).resolve().parents[2]
ASSET = ROOT / "src/faststyle/assets/flow_field.png"
SHIPPED = [ROOT / "checkpoints" / f"{name}.safetensors" for name in sorted(catalog.SHIPPED)]


@pytest.mark.parametrize(("width", "blocks", "noise"), [(4, 1, 0), (2, 3, 0), (4, 1, 3)])
def test_the_reference_network_is_ours_with_the_same_weights(
    width: int, blocks: int, noise: int
) -> None:
    network = TransformNetwork(width, blocks, noise=noise)
    reference = ReferenceNetwork(width, blocks, noise=noise).load(network.state_dict())
    photos = torch.rand(2, 3, 32, 40)
    torch.testing.assert_close(reference(photos), network(photos), rtol=1e-4, atol=1e-4)


def test_the_reference_loss_is_ours() -> None:
    encoder = VGGEncoder("vgg16", "random")
    style, photos, stylized = (
        torch.rand(3, 48, 48),
        torch.rand(2, 3, 32, 32),
        torch.rand(2, 3, 32, 32),
    )
    loss = PerceptualLoss(encoder, CONTENT, STYLE, style_weight=STYLE_WEIGHT)
    loss.set_style([StyleImage(style)])
    reference = ReferenceLoss(encoder, CONTENT, STYLE, STYLE_WEIGHT, style)
    expected = loss(stylized, loss.targets(photos)).total
    found = reference(reference.encode(stylized), reference.encode(photos))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_both_have_the_same_gradients() -> None:
    torch.manual_seed(0)
    encoder = VGGEncoder("vgg16", "random").double()
    style, photos = torch.rand(3, 48, 48).double(), torch.rand(2, 3, 32, 32).double()
    network = TransformNetwork(4, 1, noise=2).double()
    reference = ReferenceNetwork(4, 1, noise=2).double().load(network.state_dict())
    loss = PerceptualLoss(encoder, CONTENT, STYLE, style_weight=STYLE_WEIGHT)
    loss.set_style([StyleImage(style)])
    loss(network(photos), loss.targets(photos)).total.backward()
    textbook = ReferenceLoss(encoder, CONTENT, STYLE, STYLE_WEIGHT, style)
    textbook(textbook.encode(reference(photos)), textbook.encode(photos)).backward()
    expected = dict(reference.named_parameters())
    for name, weight in network.named_parameters():
        torch.testing.assert_close(weight.grad, expected[name].grad, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_styles_that_ship_can_be_measured_against_it(path: Path) -> None:
    named = f"{path}:udnie" if path.stem.startswith("gallery") else str(path)
    task = InferTask(ASSET, (64, 64), named)
    with infer_variants(task, ["32"], ["reference"]) as variants:
        reference, ours = ([run() for _, run in v.prepare()][-1] for v in variants)
    error, _, ssim = difference(reference, ours)
    assert error < 0.01
    assert ssim > 0.9999


def test_both_train_alike_from_the_same_weights() -> None:
    # Random weights leave float32's gradients three digits; at a low rate they add up slowly.
    size = {"width": 4, "blocks": 1, "noise": 2, "batch_size": 2, "size": 32}
    task = TrainTask(ASSET, rounds=4, arch="vgg16", learning_rate=1e-4, **size)  # type: ignore[arg-type]
    losses = []
    for variant in variants(task, ["32"], reference=True):
        stages = variant.prepare()
        for _ in range(4):
            result = [run() for _, run in stages][-1]
        losses.append(result)
    assert len(losses[0]) == 4
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_the_same_picture_does_not_differ_and_a_shifted_one_does() -> None:
    picture = torch.rand(3, 16, 16).numpy()
    assert difference(picture, picture) == (0.0, 0.0, 1.0)
    error, largest, ssim = difference(picture, picture * 0.9)
    assert largest >= error
    assert error == pytest.approx(picture.mean() * 0.1 * 255, rel=1e-4)
    assert ssim < 1
