from pathlib import Path

import pytest

from faststyle.config.compose import compose_config
from faststyle.config.lists import expand_style_list, expand_value_lists
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
    paintings = [style for style in styles.values() if style.name != "photo"]
    assert len(paintings) == len(styles) - 1
    for style in paintings:
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


@pytest.fixture
def paintings(tmp_path: Path) -> Path:
    path = tmp_path / "paintings.txt"
    path.write_text("/art/a.jpg\n\n# by Müller\n  /art/Müller (1).jpg  \n")
    return path


def test_every_line_is_a_choice_of_the_sweep(paintings: Path) -> None:
    given = ["-m", "style=mine", f"style.image=@{paintings}", "seed=1,2"]
    expanded = expand_value_lists(given)
    assert expanded == [
        "-m",
        "style=mine",
        "style.image=/art/a.jpg,'/art/Müller (1).jpg'",
        "seed=1,2",
    ]


def test_a_line_is_a_name_and_no_code(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("null\n${name}\n???\n@a\n2020\n")
    [_, expanded] = expand_value_lists(["-m", f"style.image=@{tmp_path / 'list.txt'}"])
    assert expanded == r"style.image='null','\${name}',./???,@a,'2020'"


def test_numbers_in_a_list_stay_numbers(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("1\n2.5\nfalse\na b\n")
    [_, expanded] = expand_value_lists(["-m", f"seed=@{tmp_path / 'list.txt'}"])
    assert expanded == "seed=1,2.5,false,'a b'"


def test_a_path_may_begin_like_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["export.path=@home/a.safetensors"]
    assert expand_value_lists(given) == given
    Path("@list.txt").write_text("a\n")
    Path("list.txt").write_text("a\n")
    given = ["-m", "style.image=@list.txt"]
    assert expand_value_lists(given) == given


def test_what_is_no_file_of_values_is_left_alone() -> None:
    given = ["+style@styles.udnie=udnie", "name=a@b", "@file"]
    assert expand_value_lists(given) == given


def test_a_painting_can_name_its_style() -> None:
    cfg = compose_config("train", ["style=by_image", "style.image=/art/a.jpg", "output_dir=x"])
    assert (cfg.style.name, cfg.export.path) == ("a", "checkpoints/a.safetensors")


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        (None, ["-m"], "there is no file"),
        ("a\n", [], "a run for each line of .*: add -m"),
        ("# none\n", ["-m"], "there is nothing in"),
    ],
)
def test_files_of_values_that_make_no_sense_are_refused(
    tmp_path: Path, content: str | None, more: list[str], message: str
) -> None:
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message):
        expand_value_lists([*more, f"style.image=@{path}"])
