import pytest

from faststyle.config.compose import compose_config
from faststyle.config.style_lists import expand_style_list
from faststyle.core.errors import UserError


def test_a_list_of_styles_is_composed_style_by_style() -> None:
    given = ["styles=[starry_night, the_scream]", "styles.the_scream.size=300", "output_dir=x"]
    cfg = compose_config("train", given)
    assert list(cfg.styles) == ["starry_night", "the_scream"]
    assert [style.size for style in cfg.styles.values()] == [256, 300]
    assert cfg.styles.the_scream.artist == "Edvard Munch"
    assert (cfg.name, cfg.export.path) == ("styles", "checkpoints/styles.safetensors")


def test_the_result_can_have_a_name() -> None:
    given = ["styles=[starry_night]", "name=mine", "output_dir=x"]
    assert compose_config("train", given).export.path == "checkpoints/mine.safetensors"


def test_the_gallery_has_twelve_paintings_and_four_of_them_at_three_sizes() -> None:
    styles = compose_config("train", ["styles=gallery", "output_dir=x"]).styles
    sizes: dict[str, list[int]] = {}
    for style in styles.values():
        sizes.setdefault(style.name, []).append(style.size)
    assert len(sizes) == 12
    assert sorted(map(len, sizes.values())) == [1] * 8 + [3] * 4
    assert all(each[0] == 256 for each in sizes.values())


def test_everything_else_is_left_alone() -> None:
    given = ["style=udnie", "data.size=[1,2]", "+more=[a]"]
    assert expand_style_list(given) == given
    assert expand_style_list(["styles=gallery"]) == ["styles=gallery"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["styles=[]"], "has to name styles"),
        (["styles=[udnie,]"], "has to name styles"),
        (["styles=[udnie],[the_scream]"], "is not one list"),
        (["styles=[udnie"], "is not one list"),
        (["styles=[udnie,udnie]"], "has udnie twice"),
        (["style=udnie", "styles=gallery"], "pass one of them"),
    ],
)
def test_lists_that_make_no_sense_are_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        expand_style_list(overrides)


def test_a_list_is_expanded_where_it_stands_since_flags_split_a_command_line() -> None:
    given = ["--config-dir", "d", "styles=[udnie,the_scream]", "name=two", "-m", "seed=1,2"]
    choices = ["+style@styles.udnie=udnie", "+style@styles.the_scream=the_scream"]
    assert expand_style_list(given) == [*given[:2], *choices, *given[3:]]
    assert expand_style_list(given[:3]) == [*given[:2], *choices, "name=styles"]
