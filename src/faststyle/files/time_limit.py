"""A limit to the time in which a picture is decoded, though its decoder cannot be interrupted.

An ordinary picture is decoded by a thread, which is left to itself after that time. What keeps a
decoder busy for minutes, or lets no other thread run, is decoded by a process, which is ended.
"""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import torch

from faststyle.core.errors import UserError
from faststyle.core.processes import PipeProcess, ProcessDiedError
from faststyle.images.files import load_picture_bytes, read_frames
from faststyle.images.pixels import Picture
from faststyle.images.probe import ImageInfo, OpenedImage

#: Pixels of a JPEG 2000 from which it takes seconds, in which Pillow lets no other thread run.
_MOST_OF_JPEG2000 = 1_000_000
#: Pixels of all scans of a progressive JPEG, each of which goes over all of them.
_MOST_SCANNED = 2_000_000_000
_SCAN = b"\xff\xda"

T = TypeVar("T")


def load_within(seconds: float, opened: OpenedImage, max_pixels: int) -> Picture:
    """The picture, by :func:`faststyle.images.files.load_picture_bytes`, which closes its file.

    Raises as that does, and ``UserError`` if it takes more seconds, or ends the process.
    """
    # What has been started so may not start others.
    if _is_slow(opened) and not multiprocessing.current_process().daemon:
        opened.close()
        return _decode_in_process(seconds, opened.info, max_pixels)
    return _within(seconds, opened.info.path, lambda: load_picture_bytes(opened, max_pixels))


def read_frames_within(
    seconds: float, path: Path, max_pixels: int
) -> Iterator[tuple[Picture, float]]:
    """As :func:`faststyle.images.files.read_frames`; each frame has so many seconds."""
    frames = read_frames(path, max_pixels)
    while (frame := _within(seconds, path, lambda: next(frames, None))) is not None:
        yield frame


def _within(seconds: float, path: Path, decode: Callable[[], T]) -> T:
    """What a thread decodes. Raises as it does, and ``UserError`` after so many seconds."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(decode())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise _too_long(path, seconds)
    return results[0]


def _is_slow(opened: OpenedImage) -> bool:
    pixels = opened.info.width * opened.info.height
    if opened.info.format.name == "JPEG2000":
        return pixels > _MOST_OF_JPEG2000
    if not opened.image.info.get("progressive"):
        return False
    opened.file.seek(0)
    scans = opened.file.read().count(_SCAN)
    opened.file.seek(0)
    return scans * pixels > _MOST_SCANNED


def _decode_in_process(seconds: float, info: ImageInfo, max_pixels: int) -> Picture:
    process = PipeProcess(_decode, info.path, max_pixels)
    try:
        if not process.pipe.poll(seconds):
            raise _too_long(info.path, seconds)
        return _received(process.receive())
    except ProcessDiedError:
        raise UserError(f"{info.path} ended its decoder: it is damaged") from None
    finally:
        process.end()


def _decode(sender: "Connection[Any, Any]", path: Path, max_pixels: int) -> None:
    """Send the picture, or an error; a tensor would be sent as a file that this process holds."""
    result: Any
    try:
        picture = load_picture_bytes(path, max_pixels)
        alpha = None if picture.alpha is None else picture.alpha.numpy()
        result = replace(picture, pixels=picture.pixels.numpy(), alpha=alpha)  # type: ignore[arg-type]
    except Exception as error:
        result = error
    sender.send(result)


def _received(result: Any) -> Picture:
    alpha = None if result.alpha is None else torch.from_numpy(result.alpha)
    return Picture(**(vars(result) | {"pixels": torch.from_numpy(result.pixels), "alpha": alpha}))


def _too_long(path: Path, seconds: float) -> UserError:
    return UserError(f"{path} takes more than {seconds:g} s to decode: see --timeout")
