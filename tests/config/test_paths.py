"""Paths reach the settings as they were typed, whatever they hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faststyle.config.compose import compose_config
from faststyle.config.paths import check_grammar, quote_paths
from faststyle.core.errors import UserError

ODD = [
    "/Bilder/Müller (1).jpg",
    "/a b/[c]/d=e&f.jpg",
    "C:\\Users\\me\\photo's.jpg",
    "~/photos",
    "/tail\\",
    "photo,with,commas.jpg",
    '/say "cheese".jpg',
    "/{braces}/$HOME.jpg",
    "2020",
    "1e3",
    "-.5",
    "1_000",
    "nan",
]


@pytest.mark.parametrize("path", ODD)
def test_a_path_is_no_code_of_hydras(path: str) -> None:
    cfg = compose_config("train", [f"data.root={path}", "style=mine", f"style.image={path}"])
    assert (cfg.data.root, cfg.style.image) == (path, path)


@settings(deadline=None, max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_any_path_comes_through(name: str) -> None:
    path = f"/{name}/x"
    if "${" in path:
        return
    assert compose_config("train", [f"data.root={path}"]).data.root == path


def test_words_lists_and_interpolations_stay_what_they_are() -> None:
    given = ["resume=null", "encoder.weights=imagenet", "style.image=[a.jpg,b.jpg]"]
    given += ["export.path=${output_dir}/out.safetensors", "style.image='quoted (1).jpg'"]
    given += ["export.path=$\\{output_dir\\}/out.safetensors"]  # Hydra's own, of a sweep
    assert quote_paths(given) == given


def test_commas_separate_values_in_a_sweep_only() -> None:
    assert quote_paths(["-m", "data.root=a b,c d"]) == ["-m", "data.root=a b,c d"]
    assert quote_paths(["data.root=a,b"]) == ["data.root='a,b'"]


def test_the_paths_in_a_list_may_be_as_odd() -> None:
    cfg = compose_config("train", ["style=mine", "style.image=[/Müller (1).jpg, b.jpg]"])
    assert cfg.style.image == ["/Müller (1).jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("style=Müller", "style=Müller is no setting.*say 'style='\"'\"'Müller'\"'\"''"),
        ("loss.style_weight=a(1", "say 'loss.style_weight='"),
        ("Bilder (1).jpg", r"Bilder \(1\).jpg is no setting: say KEY=VALUE"),
        ("(x)=3", r"\(x\)=3 is no setting: say KEY=VALUE"),
    ],
)
def test_what_hydra_cannot_parse_is_named_with_its_quoted_form(given: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        compose_config("train", ["seed=1", given])


def test_flags_of_hydras_are_no_settings() -> None:
    check_grammar(["--cfg", "job", "-m", "--config-dir", "/a (b)", "seed=1,2", "~temporal"])


def test_other_settings_are_left_to_hydra() -> None:
    given = ["loss.style_weight=1,2", "+x={a: 1}", "style=starry_night"]
    assert quote_paths(given) == given
