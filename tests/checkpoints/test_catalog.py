from pathlib import Path

import pytest
from omegaconf import OmegaConf

from faststyle.checkpoints import (
    StyleMetadata,
    TrainedStyle,
    catalog,
    find_style,
    load_style,
    write_style,
)
from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork, describe_network

STYLES = Path(__file__).resolve().parents[2] / "configs" / "style"
SHIPPED = ("starry_night", "the_scream", "great_wave", "composition_vii", "starry_night_small")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    monkeypatch.setattr(catalog, "FOLDERS", (own, shipped))
    about = StyleMetadata(title="The Great Wave", artist="Hokusai", license="public domain")
    style = TrainedStyle(TransformNetwork(width=2, blocks=1), about)
    write_style(style, shipped / "great_wave.safetensors")
    write_style(style, shipped / "night.safetensors")
    write_style(style, own / "night.safetensors")
    return own, shipped


def test_a_name_finds_the_own_style_before_the_shipped_one(folders: tuple[Path, Path]) -> None:
    own, shipped = folders
    assert find_style("great_wave") == shipped / "great_wave.safetensors"
    assert find_style("night") == own / "night.safetensors"


@pytest.mark.usefixtures("folders")
def test_a_path_is_taken_as_it_is() -> None:
    assert find_style("some/where") == Path("some/where")
    assert find_style("night.ckpt") == Path("night.ckpt")


def test_an_unknown_name_is_answered_with_the_nearest(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match='no style "great_wav": did you mean "great_wave"'):
        find_style("great_wav")
    monkeypatch.setattr(catalog, "FOLDERS", (folders[0] / "empty",))
    with pytest.raises(UserError, match="pass the path"):
        find_style("great_wave")


def test_the_list_tells_painting_artist_license_and_size(folders: tuple[Path, Path]) -> None:
    own, _ = folders
    wave, night = catalog.list_styles()
    assert (wave.name, night.path.parent) == ("great_wave", own)
    size = wave.path.stat().st_size / 1e6
    expected = f"The Great Wave (Hokusai, public domain); width 2; {size:.1f} MB"
    assert wave.describe() == expected


def test_a_file_that_is_no_style_is_named_and_left_out_of_the_list(
    folders: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    (folders[0] / "foreign.safetensors").write_bytes(b"no style at all")
    assert [style.name for style in catalog.list_styles()] == ["great_wave", "night"]
    assert "foreign.safetensors" in caplog.text


@pytest.mark.parametrize("name", SHIPPED)
def test_a_style_that_ships_is_small_and_says_where_it_comes_from(name: str) -> None:
    shipped = catalog.FOLDERS[1] / f"{name}.safetensors"
    assert shipped.stat().st_size < 4e6
    style = load_style(shipped)
    about = style.metadata
    painting = OmegaConf.load(STYLES / f"{about.style}.yaml")
    assert about.title == painting.title
    assert about.artist == painting.artist
    assert about.license == "public domain"
    assert [len(digest) for digest in about.style_sha256] == [64]
    assert "vgg19" in (about.encoder.get("name"), about.encoder.get("arch"))
    assert "/" not in f"{about.encoder} {about.loss}", "no path of the machine it came from"
    options = describe_network(style.network).options
    assert (options["width"] == 8) == name.endswith("_small")
