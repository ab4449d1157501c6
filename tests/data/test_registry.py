from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from faststyle.checkpoints import read_style
from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.data.coco import CocoSource
from faststyle.data.folder import FolderSource
from faststyle.data.registry import SOURCES, choose_source
from faststyle.data.shards import ShardSource
from faststyle.data.source import OpenedPhotos, PhotoRequest, PhotoSource
from faststyle.data.synthetic import DeadLeavesSource
from faststyle.training.style.task import train
from tests.places import CONFIGS


class Ramps(PhotoSource):
    """Gray ramps: what somebody might add to the sources that there are."""

    def __init__(self, count: int) -> None:
        self.count = count

    def prepare(self, request: PhotoRequest) -> None:
        (request.cache / "ramps").mkdir(parents=True)

    def open(self, request: PhotoRequest) -> OpenedPhotos:
        assert (request.cache / "ramps").is_dir()
        return OpenedPhotos(RampCrops(self.count, request.size), RampCrops(1, request.size))


class RampCrops:
    def __init__(self, count: int, size: int) -> None:
        self.count, self.size = count, size

    def __len__(self) -> int:
        return self.count

    def random_crop(self, index: int, generator: np.random.Generator) -> Tensor:
        return self.center_crop(index).roll(int(generator.integers(self.size)), 2)

    def center_crop(self, index: int) -> Tensor:
        ramp = torch.linspace(0, 255 / (index + 1), self.size).to(torch.uint8)
        return ramp.expand(3, self.size, self.size)


def test_a_source_of_ones_own_is_a_line_and_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "ramps", Ramps)
    settings = ["experiment=smoke", "+data.ramps=5", "data.synthetic=null", "trainer.max_steps=3"]
    places = [f"output_dir={tmp_path / 'run'}", f"data.cache={tmp_path / 'cache'}"]
    quiet = "+trainer.enable_progress_bar=false"
    path = train(compose_config(CONFIGS, "train", [*settings, *places, quiet]))
    assert path is not None
    assert read_style(path).metadata.steps == 3


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"synthetic": 3, "root": "photos"}, DeadLeavesSource),
        ({"synthetic": None, "root": "photos", "download": "val2017"}, FolderSource),
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


def test_a_source_that_is_not_registered_is_refused() -> None:
    with pytest.raises(UserError, match='no source of photos "rot": did you mean "root"'):
        choose_source({"rot": "photos"})
