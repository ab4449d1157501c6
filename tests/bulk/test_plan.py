from collections.abc import Callable
from pathlib import Path

import pytest

from faststyle.bulk.plan import MAX_SHARD, ImageTask, cut, find_tasks
from faststyle.core.errors import UserError
from faststyle.core.storage import Folder

MakePhoto = Callable[..., Path]


@pytest.fixture
def out(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "out"))


def targets(tasks: list[ImageTask]) -> list[str]:
    return sorted(task.target for task in tasks)


def test_a_folder_keeps_its_structure(photos: Path, out: Folder) -> None:
    tasks = find_tasks([str(photos)], out)
    assert len(tasks) == 10
    assert {"0.png", "sub/1.jpg"} < set(targets(tasks))
    assert all(Path(task.source).is_file() for task in tasks)


def test_a_bucket_gives_the_same_names_as_the_folder(
    photos: Path, out: Folder, upload: Callable[[Path], str]
) -> None:
    (photos / "notes.txt").write_text("no picture")
    (photos / ".hidden").mkdir()
    (photos / ".hidden" / "a.png").write_bytes((photos / "0.png").read_bytes())
    address = upload(photos)
    here = find_tasks([str(photos)], out)
    assert targets(find_tasks([address], out)) == targets(here)
    one = find_tasks([f"{address}/sub/1.jpg"], out)
    assert [(task.source, task.target) for task in one] == [(f"{address}/sub/1.jpg", "1.jpg")]
    some = find_tasks([f"{address}/sub/*.jpg"], out)
    assert targets(some) == ["1.jpg", "5.jpg", "7.jpg"]
    assert some[0].source.startswith("s3://")


def test_results_among_the_pictures_are_no_inputs(
    photos: Path, upload: Callable[[Path], str]
) -> None:
    address = upload(photos)
    assert len(find_tasks([address], Folder(f"{address}/sub"))) == 4
    assert len(find_tasks([str(photos)], Folder(str(photos / "sub")))) == 4


def test_pictures_of_formats_that_are_not_written_become_png_under_names_of_their_own(
    tmp_path: Path, make_photo: MakePhoto, out: Folder
) -> None:
    for name in ("a.jp2", "a.png", "b.jp2"):
        make_photo(tmp_path / "in" / name)
    tasks = find_tasks([str(tmp_path / "in")], out)
    assert targets(tasks) == ["a.jp2.png", "a.png", "b.png"]


def test_a_picture_that_is_named_twice_is_done_once(photos: Path, out: Folder) -> None:
    assert len(find_tasks([str(photos), str(photos)], out)) == 10


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["empty"], "out", "no pictures found in empty"),
        (["absent"], "out", "no such picture"),
        (["a/1.png", "b/1.png"], "out", "would both become 1.png"),
        (["a"], "a", "is an input; choose another --output"),
        (["clip.mp4"], "out", "clip.mp4 is a clip"),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path,
    make_photo: MakePhoto,
    monkeypatch: pytest.MonkeyPatch,
    inputs: list[str],
    output: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        make_photo(Path(name) / "1.png")
    Path("empty").mkdir()
    Path("clip.mp4").write_bytes(b"clip")
    with pytest.raises(UserError, match=message):
        find_tasks(inputs, Folder(output))


def test_a_bucket_is_not_written_over(photos: Path, upload: Callable[[Path], str]) -> None:
    address = upload(photos)
    with pytest.raises(UserError, match="is an input; choose another --output"):
        find_tasks([address], Folder(address))


def test_shards_hold_every_picture_once_and_are_called_by_what_they_hold() -> None:
    tasks = [ImageTask(f"/in/{number}.png", f"{number}.png", "0") for number in range(1000)]
    shards = cut(tasks, workers=2)
    assert [task for shard in shards for task in shard.tasks] == tasks
    assert max(len(shard.tasks) for shard in shards) <= MAX_SHARD
    assert len({shard.name for shard in shards}) == len(shards)
    assert [shard.name for shard in cut(tasks, workers=2)] == [shard.name for shard in shards]


def test_few_pictures_are_shared_by_all_processes() -> None:
    tasks = [ImageTask(f"/in/{number}.png", f"{number}.png", "0") for number in range(20)]
    assert len(cut(tasks, workers=4)) == 20
