import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.networks import NETWORKS, TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, load_style, write_style
from faststyle.styles.metadata import IDENTITY
from faststyle.styles.mixture import (
    choose,
    mixture_metadata,
    parse_mix,
    single_styles,
    trained_stroke,
    weight_vector,
)
from tests.several import STYLES, several_styles

ABOUT = StyleMetadata("all", styles=STYLES)
PHOTO = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0))
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1)


@given(st.dictionaries(NAMES, st.floats(0, 100), min_size=1))
def test_a_mixture_is_read_as_it_is_written(mix: dict[str, float]) -> None:
    assert parse_mix(",".join(f"{name}={weight!r}" for name, weight in mix.items())) == mix


def test_a_name_alone_is_that_style() -> None:
    assert parse_mix("night") == {"night": 1.0}
    assert parse_mix(" night = 2 , wave") == {"night": 2.0, "wave": 1.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name styles"),
        ("night,", "name styles"),
        ("=1", "name styles"),
        ("night=much", '"much" is not a number'),
        ("night=", '"" is not a number'),
        ("night=1,night=2", "has night twice"),
    ],
)
def test_a_text_that_is_no_mixture_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_mix(text)


@given(st.floats(0, 1e6), st.floats(1e-6, 1e6))
def test_only_the_proportions_of_weights_count(night: float, wave: float) -> None:
    shares = weight_vector(ABOUT, {"night": night, "wave": wave})
    part = night / (night + wave)
    torch.testing.assert_close(shares, torch.tensor([part, 0, 0, 1 - part]), rtol=0, atol=1e-6)


@given(st.floats(176 / 256, 416 / 256))
def test_strokes_are_mixed_between_the_nearest_sizes(stroke: float) -> None:
    shares = weight_vector(ABOUT, {"night": 1.0}, stroke)
    assert shares.sum().item() == pytest.approx(1)
    assert shares[1 if stroke > 1 else 2] == 0
    mean = shares @ torch.tensor([256.0, 176, 416, 256]).log()
    assert mean.exp().item() == pytest.approx(256 * stroke, rel=1e-4)


@pytest.mark.parametrize(
    ("mix", "stroke", "expected"),
    [
        ({"night": 1}, 1.3, 1.3),
        ({"night": 1}, 8, 416 / 256),
        ({"night": 1}, 0.3, 176 / 256),
        ({"wave": 1}, 1.3, 1),
        ({"night": 1, "wave": 1}, 0.7, 1),
        ({"night": 1, "wave": 0}, 1, 1),
    ],
)
def test_strokes_are_trained_up_to_the_sizes_that_all_paintings_have(
    mix: dict[str, float], stroke: float, expected: float
) -> None:
    assert trained_stroke(ABOUT, mix, stroke) == pytest.approx(expected)
    weight_vector(ABOUT, mix, trained_stroke(ABOUT, mix, stroke))


def test_a_part_of_the_photo_is_mixed_with_strokes_of_any_size() -> None:
    metadata = StyleMetadata("all", styles=(*STYLES, StyleMetadata(IDENTITY)))
    mix = {"night": 0.75, IDENTITY: 0.25}
    assert trained_stroke(metadata, mix, 1.5) == 1.5
    weights = weight_vector(metadata, mix, 416 / 256)
    torch.testing.assert_close(weights, torch.tensor([0, 0, 0.75, 0, 0.25]))
    assert metadata.names() == ("night", "wave"), "it is no painting to choose from"


def test_the_photo_as_a_style_is_called_alike_where_it_is_trained_and_read() -> None:
    assert compose_config("train", ["style=photo"]).style.name == IDENTITY


def test_a_file_of_one_style_has_strokes_of_one_size() -> None:
    assert trained_stroke(StyleMetadata("dusk"), {}, 2.0) == 1


def test_usual_strokes_are_of_the_first_size_and_all_paintings_may_have_them() -> None:
    assert weight_vector(ABOUT, {"night": 1, "wave": 1}).tolist() == [0.5, 0, 0, 0.5]


@pytest.mark.parametrize(
    ("mix", "stroke", "message"),
    [
        ({}, 1, "all is a file of several styles: name one, as FILE:night; it has night, wave"),
        ({"nigth": 1}, 1, 'all holds no style "nigth": did you mean "night"'),
        ({"night": -1}, 1, "the weight of night is -1"),
        ({"night": math.nan}, 1, "the weight of night is nan"),
        ({"night": math.inf}, 1, "the weight of night is inf"),
        ({"night": 0, "wave": 0}, 1, "are all 0"),
        ({"night": 1e308, "wave": 1e308}, 1, "are all 0, or too large"),
        ({"wave": 1}, 1.2, "wave was trained at one size"),
        ({"night": 1}, 2, "strokes of night are from 0.69 to 1.62 and not 2"),
        ({"night": 1}, math.nan, "and not nan"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused(
    mix: dict[str, float], stroke: float, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        weight_vector(ABOUT, mix, stroke)


@pytest.mark.parametrize("weights", [(1e-50, 3e-50), (1e300, 3e300)])
def test_weights_beyond_float32_are_weights(weights: tuple[float, float]) -> None:
    shares = weight_vector(ABOUT, dict(zip(("night", "wave"), weights, strict=True)))
    torch.testing.assert_close(shares, torch.tensor([0.25, 0, 0, 0.75]))


@pytest.mark.parametrize("sizes", [(256, None), (None, 256), (None, None)])
def test_a_style_whose_size_is_not_known_has_no_other_strokes(
    sizes: tuple[int | None, int | None],
) -> None:
    about = StyleMetadata(styles=tuple(StyleMetadata("night", style_size=size) for size in sizes))
    with pytest.raises(UserError, match="night was trained at one size"):
        weight_vector(about, {"night": 1}, 0.5)


def test_the_name_of_a_mixture_of_many_is_short() -> None:
    many = tuple(StyleMetadata(f"painting_{index}", style_size=256) for index in range(12))
    about = mixture_metadata(StyleMetadata(styles=many), dict.fromkeys((s.name for s in many), 1.0))
    assert about.name.endswith("painting_3-0.083-and-8-more")


def test_a_chosen_style_is_as_if_it_had_been_trained_alone() -> None:
    style = several_styles()
    chosen = choose(style, {"wave": 3.0})
    torch.testing.assert_close(chosen.network(PHOTO), style.network(PHOTO, torch.eye(4)[3]))
    about = chosen.metadata
    assert (about.name, about.title, about.artist, about.steps) == ("wave", "Wave", "Hokusai", 7)
    assert about.network == NETWORKS.describe(chosen.network)
    assert not about.styles


def test_a_mixture_names_its_parts_and_all_artists() -> None:
    about = choose(several_styles(), {"night": 3.0, "wave": 1.0}).metadata
    assert about.name == "night-0.75-wave-0.25"
    assert (about.title, about.artist, about.license) == (
        "Night and Wave",
        "Vincent and Hokusai",
        "free",
    )


@pytest.mark.parametrize(("mix", "stroke"), [({"night": 1.0}, 1.0), ({}, 1.5)])
def test_of_one_style_there_is_nothing_to_choose(mix: dict[str, float], stroke: float) -> None:
    style = TrainedStyle(TransformNetwork(2, 0), StyleMetadata("dusk"))
    assert choose(style, {}) is style
    with pytest.raises(UserError, match="dusk is a file of one style"):
        choose(style, mix, stroke)


def test_every_style_can_be_had_by_itself() -> None:
    style = several_styles()
    found = dict(single_styles(style))
    assert list(found) == ["night", "night_176", "night_416", "wave"]
    for one_hot, one in zip(torch.eye(4), found.values(), strict=True):
        torch.testing.assert_close(one.network(PHOTO), style.network(PHOTO, one_hot))
    assert found["night_416"].metadata.style_size == 416


def test_a_file_holds_all_styles(tmp_path: Path) -> None:
    style, path = several_styles(), tmp_path / "all.safetensors"
    write_style(style, path, half=False)
    found = load_style(path)
    assert found.metadata == style.metadata
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4])
    torch.testing.assert_close(found.network(PHOTO, shares), style.network(PHOTO, shares))


@pytest.mark.parametrize("names", [(), STYLES[:2]])
def test_a_network_of_more_styles_than_are_named_is_not_written(
    tmp_path: Path, names: tuple[Any, ...]
) -> None:
    style = TrainedStyle(several_styles().network, StyleMetadata("all", styles=names))
    with pytest.raises(UserError, match="has a network of 4 styles, and names"):
        write_style(style, tmp_path / "all.safetensors")


def test_a_file_that_names_more_styles_than_it_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "all.safetensors"
    checked: Callable[[StyleMetadata], None] = StyleMetadata.check_styles
    monkeypatch.setattr(StyleMetadata, "check_styles", lambda _: None)
    write_style(TrainedStyle(several_styles().network, StyleMetadata(styles=STYLES[:3])), path)
    monkeypatch.setattr(StyleMetadata, "check_styles", checked)
    with pytest.raises(UserError, match=r"all.safetensors has a network of 4 styles, and names 3"):
        load_style(path)
