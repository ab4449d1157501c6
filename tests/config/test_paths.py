"""Paths reach the settings as they were typed, whatever they hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faststyle.config.compose import compose_config
from faststyle.config.paths import quote_paths

ODD = [
    "/Bilder/Müller (1).jpg",
    "/a b/[c]/d=e&f.jpg",
    "C:\\Users\\me\\photo's.jpg",
    "~/photos",
    "/tail\\",
    "photo,with,commas.jpg",
    '/say "cheese".jpg',
    "/{braces}/$HOME.jpg",
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


def test_other_settings_are_left_to_hydra() -> None:
    given = ["loss.style_weight=1,2", "+x={a: 1}", "style=starry_night"]
    assert quote_paths(given) == given
