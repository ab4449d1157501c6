import os
from pathlib import Path

import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style
from faststyle.styles.index import WORTH_IT, open_index

LONG_AGO = 1_000_000_000


def write(path: Path, artist: str, when: float = LONG_AGO) -> None:
    torch.manual_seed(0)
    network = TransformNetwork(width=1, blocks=0)
    write_style(TrainedStyle(network, StyleMetadata("night", artist=artist)), path)
    os.utime(path, (when, when))


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setenv("FASTSTYLE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "styles"
    folder.mkdir()
    write(folder / "0.safetensors", "0")
    made = [folder / f"{number}.safetensors" for number in range(WORTH_IT)]
    for path in made[1:]:
        path.hardlink_to(made[0])
    return made


def artists(paths: list[Path]) -> list[str | None]:
    with open_index(paths) as read:
        return [read(path).artist for path in paths]


def replace(path: Path, artist: str, when: float = LONG_AGO) -> None:
    path.unlink()
    write(path, artist, when)


def test_an_index_says_what_the_files_say(paths: list[Path]) -> None:
    assert artists(paths) == artists(paths) == ["0"] * WORTH_IT


def test_files_that_have_not_changed_are_not_opened(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = artists(paths)
    opened: list[Path] = []
    monkeypatch.setattr("faststyle.styles.index.read_metadata", opened.append)
    assert artists(paths) == expected
    assert opened == []


def test_a_file_that_changes_is_read_again(paths: list[Path]) -> None:
    artists(paths)
    replace(paths[3], "another", LONG_AGO - 1)
    assert artists(paths)[3] == "another"
    replace(paths[3], "changed", LONG_AGO + 1)
    assert artists(paths)[3] == "changed"
    paths[3].unlink()
    with open_index(paths) as read, pytest.raises(UserError):
        read(paths[3])


def test_a_file_that_is_just_being_written_is_not_kept(paths: list[Path]) -> None:
    now = paths[0].parent.stat().st_mtime
    replace(paths[3], "other", now)
    assert artists(paths)[3] == "other"
    replace(paths[3], "equal", now)
    assert artists(paths)[3] == "equal", "of the same size and time"


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": [1, 2]}'])
def test_a_damaged_index_is_made_anew(paths: list[Path], tmp_path: Path, text: str) -> None:
    expected = artists(paths)
    [index] = (tmp_path / "cache").glob("*.json")
    index.write_text(text)
    assert artists(paths) == expected
    assert len(index.read_text()) > 1000


def test_few_files_need_no_index(paths: list[Path], tmp_path: Path) -> None:
    assert artists(paths[1:]) == ["0"] * (WORTH_IT - 1)
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_is_done_without(paths: list[Path], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    assert artists(paths) == ["0"] * WORTH_IT
