import pytest
import torch
from PIL import Image
from torch import nn

from faststyle import Stylizer
from faststyle.core.errors import UserError
from faststyle.networks import AnyPaintingNetwork
from faststyle.networks.conditional import style_rows
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.styles.metadata import IDENTITY
from faststyle.styles.predicted import Painting, predict_style
from tests.several import several_styles


@pytest.fixture
def any_style() -> TrainedStyle:
    network = AnyPaintingNetwork(width=4, blocks=1, hidden=8).eval()
    nn.init.normal_(network.predictor.layers[-1].weight, std=0.1)  # type: ignore[arg-type]
    metadata = StyleMetadata("any", steps=5).of_network(network)
    return TrainedStyle(network.requires_grad_(False), metadata)


def _painting(name: str, weight: float = 1.0) -> Painting:
    return Painting(torch.rand(3, 40, 50), StyleMetadata(name, style_size=40), weight)


def test_a_predicted_style_is_a_file_of_the_painting_and_the_photo(
    any_style: TrainedStyle,
) -> None:
    style = predict_style(any_style, [_painting("wave")])
    assert style.metadata.labels() == ("wave", IDENTITY)
    assert (style.name, style.metadata.init) == ("wave", "any")
    style.metadata.check_styles()


def test_only_proportions_of_weights_count(any_style: TrainedStyle) -> None:
    first, second = _painting("a"), _painting("b")
    light, heavy = (
        predict_style(
            any_style,
            [Painting(each.pixels, each.metadata, factor) for each in (first, second)],
        )
        for factor in (1.0, 8.0)
    )
    states = light.network.state_dict(), heavy.network.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert light.name == "a-b"


def test_several_paintings_are_the_mean_of_what_is_predicted_for_each(
    any_style: TrainedStyle,
) -> None:
    network = any_style.network
    assert isinstance(network, AnyPaintingNetwork)
    paintings = [_painting("a", 1.0), _painting("b", 3.0)]
    found = style_rows(predict_style(any_style, paintings).network)[0]
    first, second = (network.predict(each.pixels[None])[0] for each in paintings)
    torch.testing.assert_close(found, 0.25 * first + 0.75 * second)


def test_several_styles_have_a_row_each(any_style: TrainedStyle) -> None:
    first, second = [_painting("a")], [_painting("b")]
    both = predict_style(any_style, first, second)
    assert both.metadata.labels() == ("a", "b", IDENTITY)
    alone = [style_rows(predict_style(any_style, each).network) for each in (first, second)]
    rows = torch.stack([alone[0][0], alone[1][0], alone[0][1]])
    assert torch.equal(style_rows(both.network), rows)


def test_weights_of_zero_are_one_line(any_style: TrainedStyle) -> None:
    with pytest.raises(UserError, match="more than 0"):
        predict_style(any_style, [_painting("a", 0.0)])


def test_a_file_of_styles_predicts_nothing() -> None:
    with pytest.raises(UserError, match="--ckpt any"):
        predict_style(several_styles(), [_painting("a")])


def test_python_gives_a_painting_as_it_gives_a_photo(any_style: TrainedStyle) -> None:
    stylizer = Stylizer(any_style, "cpu", "32")
    image = Image.effect_noise((80, 60), 90).convert("RGB")
    with pytest.raises(UserError, match="takes any painting"):
        stylizer(image)
    painted = stylizer.painting(image)(image)
    assert isinstance(painted, Image.Image)
    assert painted.size == (80, 60)


def test_strength_moves_between_the_photo_and_the_painting(any_style: TrainedStyle) -> None:
    style = predict_style(any_style, [_painting("a")])
    stylizer = Stylizer(style, "cpu", "32", {"a": 1.0})
    weights = stylizer.weights_at(0.25)
    assert weights is not None
    assert weights.tolist() == [0.25, 0.75]
