import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faststyle.core.errors import UserError
from faststyle.core.registry import Description
from faststyle.styles import StyleMetadata

TEXT = st.text(min_size=1)
PLAIN = st.dictionaries(TEXT, st.integers() | TEXT, min_size=1)
NUMBER = st.integers(0, 10**9)
STYLE = st.builds(StyleMetadata, style=TEXT, style_size=NUMBER, title=TEXT, year=TEXT)
METADATA = st.builds(
    StyleMetadata,
    styles=st.lists(STYLE, max_size=3).map(tuple),
    style=TEXT,
    style_sha256=st.lists(st.text("0123456789abcdef", min_size=64, max_size=64)).map(tuple),
    style_size=NUMBER,
    title=TEXT,
    artist=TEXT | st.none(),
    year=TEXT,
    license=TEXT,
    loss=PLAIN,
    encoder=PLAIN,
    init=TEXT | st.none(),
    steps=NUMBER,
    origin=TEXT | st.none(),
    network=st.builds(Description, TEXT, PLAIN),
    version=TEXT,
)


@given(METADATA)
def test_what_was_written_is_read(metadata: StyleMetadata) -> None:
    assert StyleMetadata.read(metadata.write()) == metadata


def test_what_is_not_known_is_left_out() -> None:
    assert StyleMetadata("night", steps=0).write() == {"style": "night", "steps": "0"}
    empty = StyleMetadata.read({})
    assert empty == StyleMetadata()
    assert empty.write() == {}
    assert empty.name == "styled"


def test_networks_of_before_they_had_names_are_johnsons() -> None:
    options = {"width": 8, "blocks": 3}
    found = StyleMetadata.read({"network": json.dumps(options)}).network
    assert found == Description("johnson", options)


def test_numbers_that_are_none_are_not_known() -> None:
    found = StyleMetadata.read({"steps": "?", "style_size": "-3"})
    assert (found.steps, found.style_size) == (None, None)


@pytest.mark.parametrize("key", ["loss", "encoder", "network"])
@pytest.mark.parametrize("text", ["{", "[1]", "3", "[" * 100_000])
def test_what_should_be_a_mapping_and_is_none_is_named(key: str, text: str) -> None:
    with pytest.raises(UserError, match=key):
        StyleMetadata.read({key: text})


def test_every_field_says_what_it_is() -> None:
    assert StyleMetadata.__doc__ is not None
    assert all(field.name in StyleMetadata.__doc__ for field in fields(StyleMetadata))


@pytest.mark.parametrize(
    ("styles", "message"),
    [
        ("{", "does not describe its styles"),
        ("{}", "describes styles that are not known here"),
        ("[1]", "describes styles that are not known here"),
        (f"[{'1' * 5000}]", "does not describe its styles"),
        (json.dumps([{}] * 1025), "describes 1025 styles; 1024 are the most"),
    ],
)
def test_styles_of_a_foreign_file_that_are_none_are_refused(styles: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        StyleMetadata.read({"styles": styles})


def test_what_a_foreign_file_says_of_styles_can_be_printed() -> None:
    written = r'[{"style": "a\ud800b", "title": null, "style_size": "999999999999", "styles": "x"}]'
    [style] = StyleMetadata.read({"styles": written}).styles
    assert style == StyleMetadata("a?b")
    style.name.encode()


def test_two_styles_of_one_name_and_size_are_refused() -> None:
    pair = (StyleMetadata("night", style_size=256),) * 2
    network = Description("johnson", {"styles": 2})
    with pytest.raises(UserError, match="two styles of one name and size: night, night_256"):
        StyleMetadata("all", styles=pair, network=network).check_styles()
