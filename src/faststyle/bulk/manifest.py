"""What of a job is done, in files beside its results, each of which is written whole.

``OUTPUT/.faststyle`` holds ``job.json`` (the settings), the style, ``done/SHARD.json`` for every
shard that a process has finished, and at the end ``failed.jsonl``.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from faststyle.bulk.plan import NOTES, ImageTask
from faststyle.core.errors import UserError
from faststyle.core.storage import Folder, cache_folder, fetch
from faststyle.core.torch_files import is_safetensors
from faststyle.styles.style_file import canonical

_JOB, _DONE, FAILED = "job.json", "done", "failed.jsonl"
_FORMAT, _VERSION = "faststyle job", 1


@dataclass
class ShardResult:
    """What became of a shard.

    Args:
        done: target and version of each picture whose result is there.
        failed: source, target, version and reason of each that has none.
        notes: what of a file is not in its result.
        seconds: how long each part of the work took.
        memory: of the process, in bytes, at the end.
        at: when that was, in seconds since 1970.
    """

    done: list[tuple[str, str]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    memory: int = 0
    at: float = field(default_factory=time.time)

    def __len__(self) -> int:
        return len(self.done) + len(self.failed)

    def fail(self, task: ImageTask, reason: str) -> None:
        """Note that a picture has no result, and why."""
        self.failed.append({**task._asdict(), "reason": reason})


class Manifest:
    """The notes of the job whose results go to ``output``."""

    def __init__(self, output: Folder) -> None:
        self.folder = Folder(output.at(NOTES))

    def begin(self, settings: Mapping[str, Any], style: Path) -> None:
        """Note a new job's settings and style; of one that goes on, compare them.

        Raises ``UserError`` if the folder has results of other settings, or ``StorageError``.
        """
        content = style.read_bytes()
        if is_safetensors(style):  # the same style, written by another program
            content = canonical(content)
        wanted = {"format": _FORMAT, "version": _VERSION, **settings}
        wanted["style_file"] = f"style{style.suffix}"
        wanted["style_sha256"] = hashlib.sha256(content).hexdigest()
        wanted = json.loads(json.dumps(wanted))  # as it will be read
        given = self._read_settings()
        if given is None:
            self.folder.write(wanted["style_file"], content)
            self.folder.write(_JOB, json.dumps(wanted, indent=1).encode())
        elif given != wanted:
            odd = ", ".join(sorted(key for key in wanted if given.get(key) != wanted[key]))
            job = f"{self.folder.address} is of a job of other settings ({odd})"
            raise UserError(f"{job}: choose another --output, or remove it to begin anew")

    def settings(self) -> dict[str, Any]:
        """What :meth:`begin` noted. Raises ``UserError`` if there is none."""
        given = self._read_settings()
        if given is None:
            raise UserError(f"{self.folder.address} is gone: start the job again")
        return given

    def style(self) -> Path:
        """The job's style, fetched once for each machine and verified.

        Raises ``UserError`` if it is damaged, or ``StorageError``.
        """
        settings = self.settings()
        name, digest = str(settings["style_file"]), str(settings["style_sha256"])
        path = (self.folder.path or cache_folder() / "jobs" / digest) / name
        if self.folder.path is None:
            fetch(self.folder.at(name), path)
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            if self.folder.path is None:
                path.unlink()  # the next try fetches it again
            raise UserError(f"{self.folder.at(name)} is damaged: start the job again")
        return path

    def note(self, name: str, result: ShardResult) -> None:
        """Note what became of the shard called ``name``. Raises ``StorageError``."""
        self.folder.write(f"{_DONE}/{name}.json", json.dumps(asdict(result)).encode())

    def names(self) -> list[str]:
        """Of all shards that are noted. Raises ``StorageError``."""
        found = Folder(self.folder.at(_DONE)).find()
        return [name for name in found if name.endswith(".json") and not name.startswith(".")]

    def results(self, names: Sequence[str] | None = None) -> list[ShardResult]:
        """What became of these shards, or of all, in the order in which they ended.

        Raises ``StorageError``.
        """
        folder = Folder(self.folder.at(_DONE))
        texts = folder.read_all(self.names() if names is None else names)
        found = [ShardResult(**json.loads(text)) for text in texts]
        return sorted(found, key=lambda result: result.at)

    def write_failed(self, failed: Sequence[Mapping[str, str]]) -> str:
        """List what has no result, a line for each; returns where. Raises ``StorageError``."""
        text = "".join(f"{json.dumps(each)}\n" for each in failed)
        self.folder.write(FAILED, text.encode())
        return self.folder.at(FAILED)

    def _read_settings(self) -> dict[str, Any] | None:
        text = self.folder.read(_JOB)
        if text is None:
            return None
        with suppress(ValueError):
            given: dict[str, Any] = json.loads(text)
            if (given.get("format"), given.get("version")) == (_FORMAT, _VERSION):
                return given
        raise UserError(f"{self.folder.at(_JOB)} is no job of this faststyle's")
