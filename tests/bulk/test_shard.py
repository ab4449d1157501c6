from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from faststyle.bulk.manifest import Manifest
from faststyle.bulk.plan import Shard, cut, find_tasks
from faststyle.bulk.shard import Worker, WorkerConfig
from faststyle.core.limits import merged, split
from faststyle.core.storage import Folder, StorageError
from faststyle.files.batch import FilePipeline, LoadedPicture
from faststyle.files.jobs import Job
from faststyle.files.options import ReadOptions
from faststyle.images.files import load_picture_bytes
from faststyle.images.probe import probe
from faststyle.stylize.options import RenderOptions

MakePhoto = Callable[..., Path]
MakeWorker = Callable[..., Worker]


@pytest.fixture
def make_worker(style: Path, tmp_path: Path) -> MakeWorker:
    def make(output: str = "", **options: int) -> Worker:
        address = output or str(tmp_path / "out")
        settings = {
            "options": merged(split(RenderOptions, options), split(ReadOptions, options)),
            "mix": {},
            "precision": "32",
            "stroke": 1.0,
            "kernel": "auto",
        }
        Manifest(Folder(address)).begin(settings, style)
        return Worker(WorkerConfig(address, "cpu"))

    return make


def shard_of(photos: object, worker: Worker) -> Shard:
    return Shard(tuple(find_tasks([str(photos)], worker.output)))


def _two_frames(path: Path) -> None:
    path.parent.mkdir()
    frames = [Image.radial_gradient("L").resize((30, 30)).convert("RGB")]
    frames.append(frames[0].rotate(90).point(lambda value: 255 - value))
    frames[0].save(path, save_all=True, append_images=frames[1:])


def test_what_is_done_is_there_and_noted(make_worker: MakeWorker, photos: Path) -> None:
    worker = make_worker()
    shard = shard_of(photos, worker)
    result = worker.do(shard)
    assert {(task.target, task.version) for task in shard.tasks} == set(map(tuple, result.done))
    assert worker.output.path is not None
    assert all((worker.output.path / target).is_file() for target, _ in result.done)
    [noted] = worker.manifest.results()
    assert len(noted) == 10
    assert result.memory > 0
    assert set(result.seconds) == {"fetch", "decode", "network", "encode", "store"}


def test_pictures_of_one_shape_go_together_whatever_their_config(
    make_worker: MakeWorker, photos: Path, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned: 48 x 40 is what is seen of 40 x 48
    with Image.open(make_photo(photos / "turned.png", 40, 48)) as image:
        image.save(photos / "turned.jpg", exif=exif)
    (photos / "turned.png").unlink()
    worker = make_worker(batch_size=3)
    batches: list[list[tuple[int, ...]]] = []
    process = worker.pipeline.processor.process

    def noted(pictures: list[object], *more: object) -> object:
        batches.append([tuple(picture.pixels.shape[1:]) for picture in pictures])  # type: ignore
        return process(pictures, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(worker.pipeline.processor, "process", noted)
    assert len(worker.do(shard_of(photos, worker)).done) == 11
    assert all(len(set(batch)) == 1 for batch in batches)
    assert sorted(map(len, batches)) == [2, 3, 3, 3]


def test_a_bad_picture_is_tried_twice_and_then_named_as_it_was_given(
    make_worker: MakeWorker,
    photos: Path,
    upload: Callable[[Path], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (photos / "bad.png").write_text("no picture")
    address = upload(photos)
    worker = make_worker(address.replace("coco", "out"), batch_size=2)
    opened: list[str] = []

    load_once = FilePipeline.load

    def load(self: FilePipeline, job: Job) -> LoadedPicture:
        opened.append(job.source.name)
        return load_once(self, job)

    monkeypatch.setattr(FilePipeline, "load", load)
    result = worker.do(shard_of(address, worker))
    assert len(result.done) == 10
    [failed] = result.failed
    assert failed["target"] == "bad.png"
    assert failed["reason"].startswith(f"{address}/bad.png is not a picture")
    assert opened.count("bad.png") == 2


def test_what_is_missing_of_a_picture_is_noted_with_its_address(
    make_worker: MakeWorker, tmp_path: Path, upload: Callable[[Path], str]
) -> None:
    _two_frames(tmp_path / "in" / "a.tif")
    address = upload(tmp_path / "in")
    worker = make_worker(address.replace("coco", "out"))
    assert worker.do(shard_of(address, worker)).notes == [f"{address}/a.tif: 1 of 2 frames is read"]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_an_animation_stays_one_among_pictures_of_its_shape(
    make_worker: MakeWorker, tmp_path: Path, make_photo: MakePhoto, batch_size: int
) -> None:
    _two_frames(tmp_path / "in" / "b.gif")
    for name in ("a.gif", "c.gif"):
        make_photo(tmp_path / "in" / name, 30, 30)
    worker = make_worker(batch_size=batch_size)
    result = worker.do(shard_of(tmp_path / "in", worker))
    assert (len(result.done), result.failed) == (3, [])
    assert not [note for note in result.notes if "frame" in note]
    counts = [probe(tmp_path / "out" / f"{name}.gif").frames for name in "abc"]
    assert counts == [1, 2, 1]


def test_a_picture_that_is_gone_by_its_turn_is_its_own_failure(
    make_worker: MakeWorker, photos: Path, upload: Callable[[Path], str]
) -> None:
    import s3fs

    address = upload(photos)
    worker = make_worker(address.replace("coco", "out"))
    shard = shard_of(address, worker)
    s3fs.S3FileSystem().rm(f"{address}/0.png")
    result = worker.do(shard)
    assert (len(result.done), len(result.failed)) == (9, 1)
    assert result.failed[0]["reason"] == f"there is no {address}/0.png"


def test_asked_to_stop_a_process_notes_what_it_has_done(
    make_worker: MakeWorker, photos: Path
) -> None:
    worker, answers = make_worker(), iter([False, False, True, True])
    result = worker.do(shard_of(photos, worker), lambda: next(answers))
    assert (len(result.done), result.failed) == (2, [])
    assert [len(noted) for noted in worker.manifest.results()] == [2]


def test_storage_that_fails_is_no_fault_of_the_pictures(
    make_worker: MakeWorker, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make_worker()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "a.png")

    monkeypatch.setattr(FilePipeline, "save", full)
    monkeypatch.setattr("faststyle.bulk.shard.PAUSES", ())
    with pytest.raises(StorageError, match=r"No space left on device: a\.png"):
        worker.do(shard_of(photos, worker))
    assert worker.manifest.names() == []


def test_storage_that_comes_back_costs_some_time_alone(
    make_worker: MakeWorker, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, calls, save = make_worker(), count(), FilePipeline.save

    def full_at_first(*arguments: Any) -> None:
        if next(calls) == 3:
            raise OSError(28, "No space left on device", "a.png")
        save(*arguments)

    monkeypatch.setattr(FilePipeline, "save", full_at_first)
    monkeypatch.setattr("faststyle.bulk.shard.PAUSES", (0.0,))
    assert len(worker.do(shard_of(photos, worker)).done) == 10


def test_a_shard_again_gives_the_same_bytes(make_worker: MakeWorker, photos: Path) -> None:
    worker = make_worker()
    shard = cut(find_tasks([str(photos)], worker.output), workers=1)[0]
    assert worker.output.path is not None
    paths = [worker.output.path / task.target for task in shard.tasks]
    worker.do(shard)
    before = [path.read_bytes() for path in paths]
    worker.do(shard)
    assert [path.read_bytes() for path in paths] == before
    assert load_picture_bytes(paths[0]).pixels.shape[0] == 3
    assert len(worker.manifest.names()) == 1
