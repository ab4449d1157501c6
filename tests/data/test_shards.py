import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.data.module import PhotoData
from faststyle.data.prepare import prepare
from faststyle.data.shards import Manifest, Shard, ShardedPhotos, fetch, read_manifest

COUNT = 23


@pytest.fixture
def photos(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    for seed in range(COUNT):
        make_photo(tmp_path / "photos" / f"{seed // 10}" / f"{seed}.png", 60, 40, seed=seed)
    return tmp_path / "photos"


@pytest.fixture
def shards(tmp_path: Path, photos: Path) -> Path:
    prepare(photos, tmp_path / "shards", short_side=32, photos_per_shard=5, held_out=3)
    return tmp_path / "shards"


@pytest.fixture
def address(shards: Path, upload: Callable[[Path], str]) -> str:
    """The same shards behind a real server that speaks S3."""
    return upload(shards)


def opened(root: str | Path, cache: Path, size: int = 16) -> ShardedPhotos:
    return ShardedPhotos(str(root), read_manifest(str(root)).shards, size, cache)


def loaded(root: str, cache: Path, rank: int = 0, world_size: int = 1, start: int = 0) -> Any:
    data = PhotoData(root=root, size=16, batch_size=4, workers=0, cache=str(cache), val_photos=2)
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        max_steps=12, global_step=start, global_rank=rank, world_size=world_size
    )
    data.setup()
    return list(data.train_dataloader())


def test_every_photo_is_in_one_shard_and_the_held_out_in_their_own(shards: Path) -> None:
    manifest = read_manifest(str(shards))
    assert [len(shard) for shard in manifest.shards] == [5, 5, 5, 5]
    assert len(manifest.held_out) == 3
    colors = []
    for shard in [*manifest.shards, manifest.held_out]:
        with tarfile.open(shards / shard.name) as archive:  # as any other tool would
            members = archive.getmembers()
        assert [m.offset_data for m in members] == shard.offsets
        assert [m.size for m in members] == shard.lengths
        set_ = ShardedPhotos(str(shards), [shard], 16, shards)
        colors += [set_.decode(i).float().mean((1, 2)) for i in range(len(shard))]
    assert all(set_.decode(i).shape == (3, 32, 48) for i in range(len(shard)))
    distances = torch.cdist(torch.stack(colors), torch.stack(colors)).fill_diagonal_(9)
    assert len(colors) == COUNT
    assert distances.min() > 0.05, "no photo is there twice"


def test_an_interrupted_preparation_goes_on(shards: Path, photos: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in shards.glob("*.tar")}
    manifest = (shards / "manifest.json").read_bytes()
    (shards / "manifest.json").unlink()
    (shards / "00001.tar").unlink()
    (shards / ".00002.tar.json").unlink(missing_ok=True)
    (shards / ".00003.json").write_text(json.dumps({"digest": "of other photos"}))
    prepare(photos, shards, short_side=32, photos_per_shard=5, held_out=3)
    after = {path.name: path.stat().st_mtime_ns for path in shards.glob("*.tar")}
    written = {name for name in before if after[name] != before[name]}
    assert written == {"00001.tar", "00003.tar"}
    assert (shards / "manifest.json").read_bytes() == manifest


def test_photos_that_cannot_be_read_are_left_out(tmp_path: Path, photos: Path) -> None:
    (photos / "0" / "1.png").write_text("broken")
    Image.new("1", (70_000, 1)).save(photos / "0" / "2.png")  # which no JPEG holds
    manifest = prepare(photos, tmp_path / "shards", short_side=32, photos_per_shard=50, held_out=0)
    assert [len(shard) for shard in manifest.shards] == [COUNT - 2]


def test_processes_share_what_one_would_load_and_a_resumed_run_goes_on(
    shards: Path, tmp_path: Path
) -> None:
    whole = loaded(str(shards), tmp_path)
    parts = [loaded(str(shards), tmp_path, rank, 2) for rank in range(2)]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert torch.equal(batch, torch.cat([first, second]))
    rest = loaded(str(shards), tmp_path, start=5)
    assert all(torch.equal(a, b) for a, b in zip(rest, whole[5:], strict=True))


def test_shards_behind_an_address_load_the_same(address: str, shards: Path, tmp_path: Path) -> None:
    here, there = opened(shards, tmp_path), opened(address, tmp_path / "cache")
    for index in range(len(here)):
        assert torch.equal(here.center_crop(index), there.center_crop(index))
    kept = sorted(path.name[9:] for path in (tmp_path / "cache").rglob("*.tar"))
    assert kept == ["00000.tar", "00001.tar", "00002.tar", "00003.tar"]


def test_only_the_shards_that_are_wanted_are_fetched(address: str, tmp_path: Path) -> None:
    opened(address, tmp_path / "cache").center_crop(7)
    [kept] = (tmp_path / "cache").rglob("*.tar")
    assert kept.name.endswith("_00001.tar")


def test_a_damaged_copy_is_fetched_again_by_the_next_run(address: str, tmp_path: Path) -> None:
    whole = opened(address, tmp_path / "cache").center_crop(7)
    [kept] = (tmp_path / "cache").rglob("*.tar")
    kept.write_bytes(bytes(kept.stat().st_size))
    opened(address, tmp_path / "cache").center_crop(7)
    assert torch.equal(opened(address, tmp_path / "cache").center_crop(7), whole)


def test_photos_prepared_anew_under_the_same_address_are_fetched(
    address: str, photos: Path, tmp_path: Path
) -> None:
    import s3fs

    opened(address, tmp_path / "cache").center_crop(0)
    manifest = prepare(photos, tmp_path / "new", 24, photos_per_shard=5, held_out=3)
    s3fs.S3FileSystem().put(f"{tmp_path / 'new'}/", f"{address}/", recursive=True)
    found = opened(address, tmp_path / "cache").center_crop(0)
    new = ShardedPhotos(str(tmp_path / "new"), manifest.shards, 16, tmp_path)
    assert torch.equal(found, new.center_crop(0))


def test_a_manifest_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    Manifest(32, [Shard("../../etc/passwd")], Shard("a.tar")).write(tmp_path / "manifest.json")
    with pytest.raises(UserError, match="is no manifest"):
        read_manifest(str(tmp_path))


def test_a_damaged_shard_is_named_once_and_skipped(
    shards: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = bytearray((shards / "00002.tar").read_bytes())
    content[700:720] = bytes(20)
    (shards / "00002.tar").write_bytes(content)
    photos = opened(shards, tmp_path)
    for index in range(len(photos)):
        photos.random_crop(index, np.random.default_rng(0))
    assert photos.unreadable.nonzero().flatten().tolist() == [10, 11, 12, 13, 14]
    [message] = [record.getMessage() for record in caplog.records]
    assert "00002.tar is damaged or gone; its 5 photos" in message


def test_a_fetch_that_breaks_off_leaves_nothing_and_the_next_begins_anew(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    whole = s3fs.S3FileSystem._get_file

    async def broken(self: Any, remote: str, local: str, **options: Any) -> None:
        await whole(self, remote, local, **options)
        Path(local).write_bytes(Path(local).read_bytes()[:100])
        raise ConnectionError("reset by peer")

    photos = opened(address, tmp_path / "cache")
    with monkeypatch.context() as patched:
        patched.setattr(s3fs.S3FileSystem, "_get_file", broken)
        s3fs.S3FileSystem.clear_instance_cache()
        with pytest.raises(UserError, match=r"00000.tar cannot be fetched to .*: reset by peer"):
            photos.center_crop(0)
    s3fs.S3FileSystem.clear_instance_cache()
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.suffix in (".tar", ".tmp")]
    assert not photos.unreadable.any()
    assert photos.center_crop(0).shape == (3, 16, 16)


def test_a_cache_that_cannot_be_written_is_one_line(address: str, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"00000.tar cannot be fetched to .*cache.*: .*director"):
        opened(address, tmp_path / "cache").center_crop(0)


def test_addresses_that_cannot_be_read_are_one_line(tmp_path: Path) -> None:
    for root, message in (
        ("nope://bucket/x", "[Pp]rotocol"),
        (f"file://{tmp_path}/absent", "cannot be read"),
    ):
        with pytest.raises(UserError, match=message) as error:
            read_manifest(root)
        assert "\n" not in str(error.value)
    (tmp_path / "manifest.json").write_text('{"format": "other", "version": 1}')
    with pytest.raises(UserError, match="manifest"):
        read_manifest(str(tmp_path))
    with pytest.raises(UserError, match="cannot be fetched"):
        fetch(f"file://{tmp_path}/absent.tar", tmp_path / "a.tar")


def test_crops_larger_than_the_photos_are_refused(shards: Path) -> None:
    with pytest.raises(UserError, match=r"prepare shards with --size 76"):
        PhotoData(root=str(shards), size=40).setup()


def test_118000_photos_start_in_a_moment(tmp_path: Path) -> None:
    shard = [[i * 40_000 for i in range(1000)], [40_000] * 1000, [123456789] * 1000]
    manifest = Manifest(366, [Shard(f"{n}.tar", *shard) for n in range(118)], Shard("val.tar"))
    manifest.write(tmp_path / "manifest.json")
    photos = opened(tmp_path, tmp_path)
    assert len(photos) == 118_000
    with pytest.raises(UserError, match="none of the 118000 photos"):
        photos.center_crop(50_000)
