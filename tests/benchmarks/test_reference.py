from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.infer import difference
from benchmarks.infer import variants as infer_variants
from benchmarks.measure import Round, run_round
from benchmarks.reference import ReferenceLoss, reference_network
from benchmarks.settings import Settings
from benchmarks.train import variants
from faststyle.encoder import VGGEncoder
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.losses.defaults import CONTENT, STYLE, STYLE_WEIGHT
from faststyle.networks import TransformNetwork
from faststyle.styles import catalog, open_style

ROOT = Path(__file__).resolve().parents[2]
ASSET = ROOT / "src/faststyle/assets/flow_field.png"
SHIPPED = [ROOT / "checkpoints" / f"{name}.safetensors" for name in sorted(catalog.SHIPPED)]


def settings(**given: Any) -> Settings:
    return Settings(("reference",), precision=("32",), style=ASSET, photo=ASSET, **given)


def result(stages: Round) -> Any:
    """Of one round."""
    return run_round(stages, nullcontext)[1]


@pytest.mark.parametrize(("width", "blocks", "noise"), [(4, 1, 0), (2, 3, 0), (4, 1, 3)])
def test_the_reference_network_is_ours_with_the_same_weights(
    width: int, blocks: int, noise: int
) -> None:
    network = TransformNetwork(width, blocks, noise=noise)
    reference = reference_network(network)
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
    reference = ReferenceLoss(encoder, style)
    expected = loss(stylized, loss.targets(photos)).total
    found = reference(reference.encode(stylized), reference.encode(photos))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_both_have_the_same_gradients() -> None:
    torch.manual_seed(0)
    encoder = VGGEncoder("vgg16", "random").double()
    style, photos = torch.rand(3, 48, 48).double(), torch.rand(2, 3, 32, 32).double()
    network = TransformNetwork(4, 1, noise=2).double()
    reference = reference_network(network)
    loss = PerceptualLoss(encoder, CONTENT, STYLE, style_weight=STYLE_WEIGHT)
    loss.set_style([StyleImage(style)])
    loss(network(photos), loss.targets(photos)).total.backward()
    textbook = ReferenceLoss(encoder, style)
    textbook(textbook.encode(reference(photos)), textbook.encode(photos)).backward()
    expected = dict(reference.named_parameters())
    for name, weight in network.named_parameters():
        torch.testing.assert_close(weight.grad, expected[name].grad, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_styles_that_ship_can_be_measured_against_it(path: Path) -> None:
    named = f"{path}:udnie" if path.stem.startswith("gallery") else str(path)
    chosen = infer_variants(settings(), open_style(named), (64, 64), ASSET)
    reference, ours = (result(variant.prepare()) for variant in chosen)
    found = difference(reference, ours)
    assert found["mean_difference_255"] < 0.01
    assert found["ssim"] > 0.9999


def test_both_train_alike_from_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    # Random weights leave float32's gradients three digits; at a low rate they add up slowly.
    monkeypatch.setattr("benchmarks.train.LEARNING_RATE", 1e-4)
    losses = []
    network = TransformNetwork(4, 1, noise=2)
    chosen = settings(rounds=2, encoder="vgg16")
    for variant in variants(chosen, network, size=32, batch=2):
        step = variant.prepare()
        losses.append([result(step) for _ in range(4)][-1])
    assert len(losses[0]) == 4
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_the_same_picture_does_not_differ_and_a_shifted_one_does() -> None:
    picture = torch.rand(3, 16, 16).numpy()
    assert list(difference(picture, picture).values()) == [0.0, 0.0, 1.0]
    error, largest, ssim = difference(picture, picture * 0.9).values()
    assert largest >= error
    assert error == pytest.approx(picture.mean() * 0.1 * 255, rel=1e-4)
    assert ssim < 1
