"""Which pictures a job is made of, and the shards that it is handed out in."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import fsspec

from faststyle.core.atomic import file_identity
from faststyle.core.errors import UserError
from faststyle.core.storage import Folder, absolute, is_address, version_of
from faststyle.files.clip_formats import is_clip
from faststyle.files.jobs import StyleNames, find_inputs, result_name
from faststyle.images.formats import find_format

#: Where notes are kept beside the results; never searched for pictures.
NOTES = ".faststyle"
#: What of a job a killed process may have done for nothing. Each shard is a file of notes.
MAX_SHARD = 64
#: So many shards for each process, where there are few pictures: all end at about the same time.
_SHARDS_EACH = 8


class ImageTask(NamedTuple):
    """A picture's path or address, the name of its result, and what changes when it does."""

    source: str
    target: str
    version: str


@dataclass(frozen=True)
class Shard:
    """Pictures that are done by one process, and noted in one file."""

    tasks: tuple[ImageTask, ...]

    @property
    def name(self) -> str:
        """Of its file of notes: the same for the same pictures."""
        said = "\n".join(f"{task.target}\t{task.version}" for task in self.tasks)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def find_tasks(
    inputs: Sequence[str], output: Folder, styles: StyleNames = tuple
) -> list[ImageTask]:
    """Every picture of ``inputs``, and what its result is called, in a fixed order.

    What lies in ``output`` is no input, and what ``styles`` made earlier, in folders of this
    machine, is left out.

    Raises:
        UserError: there are none; or a clip; or two whose results would have one name, or whose
            results would overwrite an input.
        StorageError: one cannot be searched.
    """
    found = list(dict.fromkeys(each for text in inputs for each in _search(text, output, styles)))
    if not found:
        raise UserError(f"no pictures found in {', '.join(inputs)}")
    unchanged = {name for source, name, _ in found if _renamed(source, name) == name}
    tasks: dict[str, ImageTask] = {}
    for source, name, version in found:
        target = _renamed(source, name)
        if target != name and (target in tasks or target in unchanged):
            target = name + Path(target).suffix  # a.gif beside a.png, which both become PNG
        if target in tasks:
            raise UserError(f"{tasks[target].source} and {source} would both become {target}")
        tasks[target] = ImageTask(source, target, version)
    _check_inputs_stay(list(tasks.values()), output)
    return list(tasks.values())


def cut(tasks: Sequence[ImageTask], workers: int) -> list[Shard]:
    """Shards of ``tasks``, neighbors together."""
    size = max(1, min(MAX_SHARD, len(tasks) // (_SHARDS_EACH * workers)))
    return [Shard(tuple(tasks[at : at + size])) for at in range(0, len(tasks), size)]


def _search(text: str, output: Folder, styles: StyleNames) -> Iterator[tuple[str, str, str]]:
    """Path or address, name below what was searched, and version, of every picture."""
    if is_address(text):
        yield from _search_storage(text, output)
        return
    out = None if output.path is None else str(output.path)
    for path, base in find_inputs(text, out, styles):
        if is_clip(path):
            raise UserError(f"{path} is a clip: clips are stylized one by one, without --engine")
        stat = path.stat()
        version = version_of({"size": stat.st_size, "mtime": stat.st_mtime_ns})
        yield absolute(str(path)), path.relative_to(base).as_posix(), version


def _search_storage(address: str, output: Folder) -> Iterator[tuple[str, str, str]]:
    filesystem, path = fsspec.core.url_to_fs(address)
    if any(mark in address for mark in "*?["):
        found: dict[str, dict[str, Any]] = filesystem.glob(path, detail=True)
        for match, info in sorted(found.items()):
            if _is_picture(match.rpartition("/")[2]):
                yield filesystem.unstrip_protocol(match), match.rpartition("/")[2], version_of(info)
        return
    if _is_picture(address.rpartition("/")[2]) and filesystem.isfile(path):
        yield address, path.rpartition("/")[2], version_of(filesystem.info(path))
        return
    folder = Folder(address)
    within = f"{output.address}/" if output.address != folder.address else None
    for name, version in folder.find().items():
        source = folder.at(name)
        if _is_picture(name) and not (within and source.startswith(within)):
            yield source, name, version


def _is_picture(name: str) -> bool:
    """Whether a file is called like a picture, and is not hidden."""
    path = PurePosixPath(name)
    is_hidden = any(part.startswith(".") for part in path.parts)
    return find_format(path.suffix) is not None and not is_hidden


def _renamed(source: str, name: str) -> str:
    """``name``, with another ending where that cannot be written."""
    return Path(name).with_name("".join(result_name(Path(source)))).as_posix()


def _check_inputs_stay(tasks: Sequence[ImageTask], output: Folder) -> None:
    if output.path is None:
        sources = {task.source for task in tasks}
        lost = [task for task in tasks if output.at(task.target) in sources]
    else:
        known = {file_identity(Path(i.source)) for i in tasks if not is_address(i.source)}
        lost = [task for task in tasks if file_identity(output.path / task.target) in known]
    if lost:
        raise UserError(f"{output.at(lost[0].target)} is an input; choose another --output")
