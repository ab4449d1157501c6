from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.data.coco import CocoSource
from faststyle.data.folder import FolderSource
from faststyle.data.module import PhotoData, choose_source
from faststyle.data.shards import ShardSource
from faststyle.data.source import SOURCES, DataSpec, DataSplits, PhotoSource
from faststyle.data.synthetic import DeadLeavesSource


def _attach(data: PhotoData, **options: Any) -> PhotoData:
    defaults = {"world_size": 1, "global_rank": 0, "global_step": 0, "max_steps": 5}
    data.trainer = SimpleNamespace(**{**defaults, **options})  # type: ignore[assignment]
    return data


def test_batches_are_uint8_crops_as_many_as_there_are_steps(photo_folder: Path) -> None:
    data = _attach(
        PhotoData(root=str(photo_folder), size=16, batch_size=3, workers=0, val_photos=2)
    )
    data.setup()
    batches = list(data.train_dataloader())
    assert [b.shape for b in batches] == [(3, 3, 16, 16)] * 5
    assert batches[0].dtype == torch.uint8
    assert sum(len(b) for b in data.val_dataloader()) == 2


def test_worker_processes_give_the_same_batches(photo_folder: Path) -> None:
    runs = []
    for workers in (0, 2):
        data = _attach(PhotoData(root=str(photo_folder), size=16, workers=workers, val_photos=1))
        data.setup()
        runs.append(torch.stack(list(data.train_dataloader())))
    assert torch.equal(runs[0], runs[1])


def test_a_resumed_loader_starts_at_the_trainers_step(photo_folder: Path) -> None:
    data = _attach(PhotoData(root=str(photo_folder), size=16, workers=0, val_photos=1))
    data.setup()
    whole = list(data.train_dataloader())
    _attach(data, global_step=3)
    rest = list(data.train_dataloader())
    assert torch.equal(torch.stack(rest), torch.stack(whole[3:]))


def test_validation_photos_are_split_over_processes(photo_folder: Path) -> None:
    data = PhotoData(root=str(photo_folder), size=16, workers=0, val_photos=4)
    data.setup()
    whole = torch.cat(list(_attach(data).val_dataloader()))
    parts = [
        torch.cat(list(_attach(data, world_size=2, global_rank=r).val_dataloader())) for r in (0, 1)
    ]
    assert torch.equal(torch.stack(parts, 1).flatten(0, 1), whole)


def test_synthetic_photos_need_no_files() -> None:
    data = _attach(PhotoData(synthetic=10, size=16, workers=0, val_photos=3))
    data.prepare_data()
    data.setup()
    assert next(iter(data.train_dataloader())).shape == (4, 3, 16, 16)


def test_a_given_root_is_never_downloaded_over(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such photo folder"):
        PhotoData(root=str(tmp_path / "absent"), download="train2014", cache=str(tmp_path))


def test_the_skipped_photos_are_counted_over_all_workers(photo_folder: Path) -> None:
    for path in sorted(photo_folder.iterdir())[:3]:
        path.write_text("broken")
    data = _attach(PhotoData(root=str(photo_folder), size=16, workers=2, val_photos=0))
    data.setup()
    list(data.train_dataloader())
    assert data.skipped() == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [({"size": 8}, "data.size"), ({"batch_size": 0}, "data.batch_size"), ({"workers": -1}, "work")],
)
def test_a_number_out_of_range_is_named(options: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        PhotoData(root=".", **options)  # type: ignore[arg-type]


def test_no_source_of_photos_is_an_error() -> None:
    with pytest.raises(UserError, match=r"data\.root"):
        PhotoData().setup()


def test_a_batch_that_processes_cannot_share_is_an_error(photo_folder: Path) -> None:
    data = _attach(PhotoData(root=str(photo_folder), batch_size=3), world_size=2)
    data.setup()
    with pytest.raises(UserError, match="cannot be split over 2"):
        data.train_dataloader()


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
