from faststyle.apps.listing import describe
from faststyle.checkpoints import StyleMetadata, TrainedStyle
from faststyle.inference.stylizer import Stylizer
from faststyle.networks import TransformNetwork
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
