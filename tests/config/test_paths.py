"""Paths reach the settings as they were typed, whatever they hold."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faststyle.config.compose import compose_config
from faststyle.config.mistakes import report_config_errors
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
    "None",
    "@home/photos",
    "'quoted'.jpg",
    '"a" and "b"',
    "'tail\\'",
    "${",
    "/${}/a",
    "/${two words}/a",
]
#: What would be a word of Hydra's or OmegaConf's, if no file were called so.
TAKEN = ["null", "true", "'a'", '"a b"', "${name}", "a${b}.jpg", "a\\${b}", "@list", "[a]", "a,b"]


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


@pytest.mark.parametrize("path", TAKEN)
def test_what_a_file_is_called_is_no_code_either(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(path).mkdir()
    Path("list").write_text("a\n")
    assert compose_config("train", [f"data.root={path}"]).data.root == path


def test_a_name_that_means_missing_is_one_of_this_folder() -> None:
    assert compose_config("train", ["data.root=???"]).data.root == "./???"


def test_words_and_lists_stay_what_they_are() -> None:
    given = ["resume=null", "encoder.weights=imagenet", "style.image=[a.jpg,b.jpg]"]
    given += ["style.image='quoted (1).jpg'", "style.image=['a,b.jpg',c.jpg]"]
    given += ["export.path=$\\{output_dir\\}/out.safetensors"]  # Hydra's own, of a sweep
    assert quote_paths(given) == given


def test_interpolations_count_where_no_file_is_called_so() -> None:
    given = ["name=x", "data.root=${name}/Müller (1)", "export.path=\\${name}.safetensors"]
    cfg = compose_config("train", given)
    assert (cfg.data.root, cfg.export.path) == ("x/Müller (1)", "${name}.safetensors")


def test_an_interpolation_of_nothing_names_the_setting_and_how_to_write_a_name() -> None:
    with (
        pytest.raises(UserError, match=r"data\.root: .*'nothing' not found; .* write \\\$\{"),
        report_config_errors("train"),
    ):
        compose_config("train", ["data.root=/a/${nothing}"]).data.root  # noqa: B018


def test_commas_separate_values_in_a_sweep_only() -> None:
    swept = ["-m", "data.root='a b','c (1)'", "data.root=choice(a,b)"]
    assert quote_paths(["-m", "data.root=a b,c (1)", "data.root=choice(a,b)"]) == swept
    assert quote_paths(["data.root=a,b"]) == ["data.root='a,b'"]


def test_the_paths_in_a_list_may_be_as_odd() -> None:
    given = "style.image=[/Müller (1).jpg, 'a, b.jpg', b.jpg, ???]"
    cfg = compose_config("train", ["style=mine", given])
    assert cfg.style.image == ["/Müller (1).jpg", "a, b.jpg", "b.jpg", "./???"]


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
