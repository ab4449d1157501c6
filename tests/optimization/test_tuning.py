import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from faststyle.core.errors import UserError
from faststyle.data.synthetic import DeadLeaves
from faststyle.encoder import LiteEncoder
from faststyle.images.pixels import Picture, to_unit
from faststyle.losses import StyleImage
from faststyle.losses.defaults import default_loss
from faststyle.networks import AnyPaintingNetwork
from faststyle.optimization.options import TuneOptions
from faststyle.optimization.tuning import StyleTuner, TunedStylizer
from faststyle.styles import StyleMetadata, TrainedStyle, load_style
from faststyle.styles.predicted import Painting, predict_style
from faststyle.stylize.stylizer import Stylizer
from tests.places import ROOT


@pytest.fixture
def painting() -> Painting:
    checks = (torch.arange(64)[:, None] // 4 + torch.arange(64) // 4) % 2
    colors = torch.tensor([[0.9, 0.1, 0.1], [0.1, 0.2, 0.8]])
    return Painting(colors[checks].permute(2, 0, 1), StyleMetadata("checks", style_size=64))


@pytest.fixture
def predicted(painting: Painting) -> TrainedStyle:
    network = AnyPaintingNetwork(width=4, blocks=1, hidden=8)
    nn.init.normal_(network.transform.head.weight, std=0.02)
    return predict_style(TrainedStyle(network, StyleMetadata("any")), [painting])


PHOTO = torch.linspace(0, 1, 48).expand(3, 40, 48).contiguous()


def _distance(style: TrainedStyle, painting: Painting, photo: torch.Tensor) -> float:
    loss = default_loss(LiteEncoder(), style_weight=2.0)
    loss.set_style([StyleImage(painting.pixels)])
    stylized = Stylizer(style, "cpu", "32", {style.name: 1.0})(photo)
    assert isinstance(stylized, torch.Tensor)
    return float(loss(stylized[None], loss.targets(photo[None])).total)


@pytest.mark.slow
def test_more_steps_bring_the_photo_nearer_to_the_painting() -> None:
    drawn = DeadLeaves(2, size=192)
    photo, pixels = (to_unit(drawn.center_crop(number)) for number in range(2))
    leaves = Painting(pixels, StyleMetadata("leaves", style_size=192))
    ships = load_style(ROOT / "checkpoints" / "any.safetensors")
    begin = predict_style(ships, [leaves])
    tuned = StyleTuner([leaves], TuneOptions(steps=10)).tune(begin, [photo])
    assert _distance(tuned, leaves, photo) < 0.9 * _distance(begin, leaves, photo)
    assert tuned.metadata.steps == (ships.metadata.steps or 0) + 10
    assert tuned.metadata.names() == ("leaves",)


@pytest.mark.slow
def test_the_same_steps_give_the_same_weights(predicted: TrainedStyle, painting: Painting) -> None:
    first, again = (
        StyleTuner([painting], TuneOptions(steps=2)).tune(predicted, [PHOTO]).network.state_dict()
        for _ in range(2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    before = predicted.network.state_dict()
    assert any(not torch.equal(first[name], before[name]) for name in first)


@pytest.mark.slow
def test_a_photo_of_few_pixels_is_tuned_at_the_size_that_it_is_painted_at(
    predicted: TrainedStyle, painting: Painting, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner, seen = StyleTuner([painting], TuneOptions(steps=1)), []
    targets = tuner.loss.targets

    def see(photo: torch.Tensor) -> object:
        seen.append(photo.shape[-2:])
        return targets(photo)

    monkeypatch.setattr(tuner.loss, "targets", see)
    small, large = torch.rand(3, 90, 120), torch.rand(3, 300, 400)
    for photos in ([small], [large], [small, large]):
        tuner.tune(predicted, photos)
    assert seen == [(88, 88), (192, 192), (192, 192)]


@pytest.mark.slow
def test_an_interrupt_ends_it_with_what_there_is(
    predicted: TrainedStyle, painting: Painting
) -> None:
    def interrupt(_part: float, _loss: float) -> None:
        signal.raise_signal(signal.SIGINT)

    received: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        tuned = StyleTuner([painting], TuneOptions(seconds=600)).tune(predicted, [PHOTO], interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert tuned.metadata.steps == 1
    assert received == [signal.SIGINT]


@pytest.mark.slow
def test_each_picture_is_stylized_by_a_network_of_its_own(
    predicted: TrainedStyle, painting: Painting
) -> None:
    tuner = StyleTuner([painting], TuneOptions(steps=1))
    processor = TunedStylizer(predicted, tuner, device="cpu", precision="32")
    pictures = [Picture(PHOTO), Picture(PHOTO.flip(2))]
    found = processor.process(pictures)
    for picture, result in zip(pictures, found, strict=True):
        tuned = tuner.tune(predicted, [picture.pixels])
        wanted = Stylizer(tuned, "cpu", "32", {"checks": 1.0}).process([picture])
        assert torch.equal(result.pixels, wanted[0].pixels)


def test_weights_of_a_loss_network_that_are_none_are_one_line(
    painting: Painting, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="no such weights file"):
        StyleTuner([painting], TuneOptions(steps=1, loss_weights=str(tmp_path / "none.pth")))


@pytest.mark.parametrize(
    "make",
    [lambda: TuneOptions(seconds=0), lambda: TuneOptions(seconds=-1), lambda: TuneOptions(steps=0)],
)
def test_no_time_and_no_steps_are_refused(make: Callable[[], TuneOptions]) -> None:
    with pytest.raises(UserError, match=r"^(seconds|steps) is"):
        make()
