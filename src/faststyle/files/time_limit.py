"""A limit to the time in which a picture is decoded, though its decoder cannot be interrupted.

An ordinary picture is decoded by a thread, which is left to itself after that time. What keeps a
decoder busy for minutes, or lets no other thread run, is decoded by a process, which is ended.
"""

import multiprocessing
import threading
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from faststyle.core.errors import UserError
from faststyle.core.processes import fresh_processes
from faststyle.images.files import load_picture_bytes
from faststyle.images.pixels import Picture
from faststyle.images.probe import ImageInfo, OpenedImage

#: Pixels of a JPEG 2000 from which it takes seconds, in which Pillow lets no other thread run.
_MOST_OF_JPEG2000 = 1_000_000
#: Pixels of all scans of a progressive JPEG, each of which goes over all of them.
_MOST_SCANNED = 2_000_000_000
_SCAN = b"\xff\xda"


def load_within(seconds: float, opened: OpenedImage, max_pixels: int) -> Picture:
    """The picture, by :func:`faststyle.images.files.load_picture_bytes`, which closes its file.

    Raises as that does, and ``UserError`` if it takes more seconds, or ends the process.
    """
    # What has been started so may not start others.
    if _is_slow(opened) and not multiprocessing.current_process().daemon:
        opened.close()
        return _decode_in_process(seconds, opened.info, max_pixels)
    results: list[Picture | BaseException] = []

    def work() -> None:
        try:
            results.append(load_picture_bytes(opened, max_pixels))
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not results:
        raise _too_long(opened.info, seconds)
    if isinstance(results[0], BaseException):
        raise results[0]
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
    context = fresh_processes(__name__)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_decode, args=(sender, info.path, max_pixels), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            raise _too_long(info, seconds)
        return _received(receiver.recv())
    except EOFError:
        raise UserError(f"{info.path} ended its decoder: it is damaged") from None
    finally:
        process.kill()
        process.join()


def _decode(sender: Connection, path: Path, max_pixels: int) -> None:
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
    if isinstance(result, BaseException):
        raise result
    alpha = None if result.alpha is None else torch.from_numpy(result.alpha)
    return Picture(**(vars(result) | {"pixels": torch.from_numpy(result.pixels), "alpha": alpha}))


def _too_long(info: ImageInfo, seconds: float) -> UserError:
    return UserError(f"{info.path} takes more than {seconds:g} s to decode: see --timeout")
