import re
from pathlib import Path

import fsspec
import pytest
from omegaconf import OmegaConf

from faststyle.core.errors import UserError
from faststyle.networks import NETWORKS, TransformNetwork
from faststyle.styles import (
    FoundStyle,
    StyleMetadata,
    TrainedStyle,
    catalog,
    find_style,
    load_style,
    open_style,
    write_style,
)
from faststyle.styles.loading import resolve_styles
from faststyle.styles.metadata import IDENTITY
from tests.places import CONFIGS, ROOT
from tests.several import several_styles
from tests.upscalers import write_upscaler

STYLES = CONFIGS / "style"


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
    assert find_style("great_wave").path == shipped / "great_wave.safetensors"
    assert find_style("night").path == own / "night.safetensors"


def test_a_name_or_a_file_that_is_there_is_found_without_opening_any(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "open_index", None)
    path = folders[1] / "great_wave.safetensors"
    assert find_style("great_wave").path == path
    assert find_style(f"{path}:night=0.6") == FoundStyle(path, {"night": 0.6})
    monkeypatch.chdir(folders[1])
    assert find_style("great_wave.safetensors").path == Path("great_wave.safetensors")


def test_a_style_at_an_address_is_fetched_and_may_be_one_of_several(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTSTYLE_CACHE", str(tmp_path / "cache"))
    address = f"memory://{tmp_path.name}/great_wave.safetensors"
    content = (folders[1] / "great_wave.safetensors").read_bytes()
    with fsspec.open(address, "wb") as file:
        file.write(content)
    found = find_style(address)
    assert (found.path.name, found.path.read_bytes()) == ("great_wave.safetensors", content)
    assert found.path.is_relative_to(tmp_path / "cache")
    assert find_style(f"{address}:night=0.6") == FoundStyle(found.path, {"night": 0.6})
    with pytest.raises(UserError, match=r"there is no memory://.*/absent\.safetensors"):
        find_style(f"memory://{tmp_path.name}/absent.safetensors")


@pytest.mark.usefixtures("folders")
def test_a_path_is_taken_as_it_is() -> None:
    assert find_style("some/where").path == Path("some/where")
    assert find_style("night.ckpt").path == Path("night.ckpt")


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


def test_the_styles_that_ship_are_those_that_git_keeps() -> None:
    kept = re.findall(r"!checkpoints/(\w+)\.safetensors", (ROOT / ".gitignore").read_text())
    assert sorted(kept) == sorted(
        catalog.SHIPPED | catalog.SHIPPED_UPSCALERS | catalog.SHIPPED_PREDICTORS
    )
    assert all((ROOT / "checkpoints" / f"{name}.safetensors").is_file() for name in kept)


def test_nothing_is_written_over_a_style_that_ships() -> None:
    folder = catalog.FOLDERS[1]
    assert catalog.beside_shipped(folder / "starry_night.safetensors").stem == "starry_night_mine"
    own = folder / "my_own.safetensors"
    assert catalog.beside_shipped(own) == own


def test_elsewhere_a_style_may_be_called_like_one_that_ships(tmp_path: Path) -> None:
    path = tmp_path / "starry_night.safetensors"
    assert catalog.beside_shipped(path) == path


@pytest.mark.parametrize("name", sorted(catalog.SHIPPED))
def test_a_style_that_ships_is_small_and_says_where_it_comes_from(name: str) -> None:
    shipped = catalog.FOLDERS[1] / f"{name}.safetensors"
    assert shipped.stat().st_size < 4e6
    style = load_style(shipped)
    about = style.metadata
    paintings = [each for each in about.styles or (about,) if each.style != IDENTITY]
    assert len(paintings) in (1, len(about.styles) - 1)
    for each in paintings:
        painting = OmegaConf.load(STYLES / f"{each.style}.yaml")
        assert each.title == painting.title
        assert each.artist == painting.artist
        assert each.license == "public domain"
        assert [len(digest) for digest in each.style_sha256] == [64]
    assert "vgg19" in (about.encoder.get("name"), about.encoder.get("arch"))
    assert "/" not in f"{about.encoder} {about.loss}", "no path of the machine it came from"
    options = NETWORKS.describe(style.network).options
    assert (options["width"] == 8) == name.endswith(("_small", "_calm"))


def test_a_style_in_a_file_of_several_is_found_by_its_name(folders: tuple[Path, Path]) -> None:
    own, shipped = folders
    write_style(several_styles(), shipped / "all.safetensors")
    assert find_style("wave") == FoundStyle(shipped / "all.safetensors", {"wave": 1.0})
    assert find_style("night") == FoundStyle(own / "night.safetensors")
    assert find_style("all:night") == FoundStyle(shipped / "all.safetensors", {"night": 1.0})
    assert find_style("all") == FoundStyle(shipped / "all.safetensors")
    with pytest.raises(UserError, match='no style "wav": did you mean "wave"'):
        find_style("wav")
    with pytest.raises(UserError, match='no style "al": did you mean "all"'):
        find_style("al:wave")


@pytest.mark.usefixtures("folders")
def test_a_mixture_is_taken_off_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a:b.safetensors"
    assert find_style(f"{path}:night=2,wave") == FoundStyle(path, {"night": 2.0, "wave": 1.0})
    path.touch()
    assert find_style(str(path)) == FoundStyle(path)
    assert find_style(r"C:\styles\night.safetensors").mix == {}


def test_the_list_has_every_style_of_a_file_once(folders: tuple[Path, Path]) -> None:
    write_style(several_styles(), folders[0] / "all.safetensors")
    found = {style.name: style for style in catalog.list_styles()}
    assert list(found) == ["all:night", "great_wave", "night", "wave"]
    assert found["wave"].describe().startswith("Wave (Hokusai, free); width 4; 0.0 MB")
    for name, style in found.items():
        assert find_style(name).path == style.path


def test_a_name_opens_the_one_style_that_it_is(folders: tuple[Path, Path]) -> None:
    write_style(several_styles(), folders[0] / "all.safetensors")
    assert open_style("wave").name == "wave"
    assert open_style("all:night=1,wave=1").name == "night-0.5-wave-0.5"
    with pytest.raises(UserError, match="all is a file of several styles"):
        open_style("all")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("night", "night"),
        ("all:night=0.5,wave", "all:night=0.5,wave"),
        ("some/where/night.safetensors", "night"),
        ("some/where/all.safetensors:wave", "all:wave"),
    ],
)
def test_a_label_has_no_folder_and_no_ending(given: str, expected: str) -> None:
    assert catalog.label(given) == expected


def test_the_own_folder_comes_first_for_styles_inside_files_too(
    folders: tuple[Path, Path],
) -> None:
    own, shipped = folders
    write_style(several_styles(), shipped / "all.safetensors")
    write_style(several_styles(), own / "later.safetensors")
    assert find_style("wave").path == own / "later.safetensors"


def test_a_style_whose_name_has_a_dot_is_found(folders: tuple[Path, Path]) -> None:
    style = several_styles()
    names = (*style.metadata.styles[:3], StyleMetadata("v1.5", style_size=256))
    write_style(
        TrainedStyle(style.network, StyleMetadata(styles=names)), folders[0] / "all.safetensors"
    )
    assert find_style("v1.5") == FoundStyle(folders[0] / "all.safetensors", {"v1.5": 1.0})


@pytest.mark.usefixtures("folders")
def test_a_mixture_may_be_longer_than_a_path() -> None:
    mix = {f"a_painting_with_a_long_name_{index}": 1.0 for index in range(40)}
    text = ",".join(f"{name}={weight}" for name, weight in mix.items())
    assert find_style(f"night:{text}").mix == mix


def test_a_file_of_several_styles_is_all_of_them(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "all.safetensors"
    write_style(several_styles(), path)
    assert resolve_styles(["all", "night"]) == ["all:night", "all:wave", "night"]
    assert resolve_styles([f"{path}"]) == [f"{path}:night", f"{path}:wave"]
    assert resolve_styles(["all:night=1,wave=2"]) == ["all:night=1,wave=2"]
    assert resolve_styles(None) == ["all:night", "great_wave", "night", "wave"]
    with pytest.raises(UserError, match=r"no such checkpoint: nowhere/x\.ckpt"):
        resolve_styles(["nowhere/x.ckpt"])


def test_a_file_that_enlarges_is_found_by_its_factor_and_no_style(
    folders: tuple[Path, Path],
) -> None:
    own, shipped = folders
    for path in (own / "a", own / "b", shipped / "c"):
        write_upscaler(path.with_suffix(".safetensors"), 2 if path.name == "c" else 4)
    assert [style.name for style in catalog.list_styles()] == ["great_wave", "night"]
    assert catalog.find_upscaler(4) == own / "a.safetensors"
    assert catalog.find_upscaler(2) == shipped / "c.safetensors"
    with pytest.raises(UserError, match="no checkpoint enlarges by 8: those here enlarge by 2, 4"):
        catalog.find_upscaler(8)
