from pathlib import Path

import pytest

from faststyle.core.errors import UserError
from faststyle.styles import StyleMetadata

pytest.importorskip("huggingface_hub")
from huggingface_hub import ModelCard

from faststyle.styles.hub.publish import write_card


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "night.safetensors"
    path.write_bytes(b"1" * 20_000)
    return path


def test_what_a_file_says_stays_text(file: Path) -> None:
    odd = "a\n---\nlicense: gpl\n| x | y |\n# <script>[b](http://c) `d` $e$"
    about = StyleMetadata(odd, title=odd, artist=odd, year=odd, license=odd, init=odd, origin=odd)
    card = write_card(about, file, "owner/night", "mit")
    assert ModelCard(card).data.get("license") == "mit"
    assert card.count("\n---\n") == 1
    assert "<script>" not in card
    assert "[b](" not in card.replace("\\[b\\](", "")
    for row in (line for line in card.splitlines() if line.startswith("|")):
        assert row.replace("\\|", "").count("|") == 3


def test_of_an_unknown_style_it_says_what_can_be_known(file: Path) -> None:
    card = write_card(StyleMetadata(), file, "owner/night")
    assert "# night\n" in card
    assert "the manner of a picture in a single pass" in card
    assert "| size | 0.02 MB |" in card
    assert "steps" not in card


@pytest.mark.parametrize("license", ["MIT License", "", "-", "mit\nx: y", "a: b"])
def test_a_license_is_a_short_name(file: Path, license: str) -> None:
    with pytest.raises(UserError, match="give its short name, as mit"):
        write_card(StyleMetadata(), file, "owner/night", license)
