from typing import Any

from faststyle.apps.listing import arrange, describe
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.stylize.stylizer import Stylizer
from tests.several import several_styles


def test_a_style_is_told_with_its_painting() -> None:
    facts = StyleMetadata("dusk", title="Dusk", artist="A. Painter", year="1901")
    told = describe(Stylizer(TrainedStyle(TransformNetwork(2, 0), facts), device="cpu"))
    [style] = told["styles"]
    assert told["weights"] == 0
    assert style.pop("sample").startswith("data:image/webp;base64,")
    assert style == {
        "name": "dusk",
        "title": "Dusk",
        "artist": "A. Painter",
        "year": "1901",
        "place": 0,
    }


def test_of_several_styles_each_painting_is_told_with_its_place_and_a_sample_of_its_own() -> None:
    told = describe(Stylizer(several_styles(), device="cpu", mix={"night": 1}))
    assert told["weights"] == 4
    assert [(style["name"], style["place"]) for style in told["styles"]] == [
        ("night", 0),
        ("wave", 3),
    ]
    assert len({style["sample"] for style in told["styles"]}) == 2


def _program(name: str, *held: str) -> dict[str, Any]:
    named = enumerate(held or (name,))
    styles = [{"name": name, "place": i, "sample": f"data:{name}"} for i, name in named]
    return {"name": name, "weights": len(held), "styles": styles}


def test_a_painting_is_shown_once_in_the_file_of_its_own_and_can_be_mixed_still() -> None:
    one, several = arrange([_program("all", "night", "wave"), _program("night")])
    assert one == _program("night")
    assert several["name"] == "all"
    assert [style["name"] for style in several["styles"]] == ["night", "wave"]
    assert [style["sample"] for style in several["styles"]] == [None, "data:wave"]


def test_a_file_of_several_is_never_without_anything_to_choose() -> None:
    given = [_program("night"), _program("wave"), _program("all", "night", "wave")]
    assert arrange(given) == given


def test_a_small_network_is_the_quick_one_of_its_style_in_the_list() -> None:
    quick, other = arrange([_program(name) for name in ("a_small", "a", "b_small")])
    assert quick == _program("a") | {"quick": {"name": "a_small", "weights": 0}}
    assert other == _program("b_small"), "there is no fine one"


def test_of_several_styles_a_small_network_is_the_quick_one_if_it_takes_the_same_mixture() -> None:
    fine, small = _program("c", "d", "e"), _program("c_small", "d", "e")
    assert arrange([fine, small]) == [fine | {"quick": {"name": "c_small", "weights": 2}}]
    assert arrange([fine, _program("c_small", "e", "d")])[0] == fine
    assert arrange([fine, _program("c_small")]) == [_program("c_small"), fine]
