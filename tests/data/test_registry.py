from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faststyle.core.errors import UserError
from faststyle.data.coco import CocoSource
from faststyle.data.folder import FolderSource
from faststyle.data.registry import choose_source
from faststyle.data.shards import ShardSource
from faststyle.data.source import SOURCES, DataSpec, DataSplits, PhotoSource
from faststyle.data.synthetic import DeadLeavesSource


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"synthetic": 3, "root": "photos"}, DeadLeavesSource),
        ({"synthetic": None, "root": ".", "download": "val2017"}, FolderSource),
        ({"root": "s3://bucket/photos"}, ShardSource),
        ({"root": None, "download": "val2017"}, CocoSource),
    ],
)
def test_the_first_setting_with_a_value_counts(settings: dict[str, object], kind: type) -> None:
    assert type(choose_source(settings)) is kind


def test_a_folder_with_a_manifest_holds_shards(tmp_path: Path) -> None:
    assert type(choose_source({"root": str(tmp_path)})) is FolderSource
    (tmp_path / "manifest.json").touch()
    assert type(choose_source({"root": str(tmp_path)})) is ShardSource


def test_a_source_of_ones_own_counts_before_those_that_ship(register: Callable[..., Any]) -> None:
    @register(SOURCES, "own")
    class Own(PhotoSource):
        def __init__(self, place: str) -> None:
            self.place = place

        def open(self, request: DataSpec) -> DataSplits:
            raise NotImplementedError

    chosen = choose_source({"download": "val2017", "synthetic": 3, "own": "here"})
    assert isinstance(chosen, Own)
    assert chosen.place == "here"


def test_an_empty_name_is_not_the_working_folder() -> None:
    with pytest.raises(UserError, match=r"data\.root is empty"):
        choose_source({"root": ""})


def test_a_source_that_is_not_registered_is_refused() -> None:
    with pytest.raises(UserError, match='no source of photos "rot": did you mean "root"'):
        choose_source({"rot": "photos"})
