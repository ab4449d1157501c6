from pathlib import Path

import pytest

from faststyle.config.compose import compose_config
from faststyle.config.value_lists import expand_value_lists
from faststyle.core.errors import UserError


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


def test_everything_else_is_left_alone() -> None:
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
def test_lists_that_make_no_sense_are_refused(
    tmp_path: Path, content: str | None, more: list[str], message: str
) -> None:
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message):
        expand_value_lists([*more, f"style.image=@{path}"])
