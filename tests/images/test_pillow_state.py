"""Reading pictures changes nothing that others in the process have of Pillow or of warnings."""

import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from faststyle.images.files import load_picture_bytes
from faststyle.images.probe import probe

_IMPORTED = """
import copy, warnings, numpy, torch
from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, GifImagePlugin
modules = Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, GifImagePlugin
def state():
    return [dict(vars(module)) for module in modules]
before, infos, filters = state(), copy.copy(TiffImagePlugin.OPEN_INFO), list(warnings.filters)
known = dict(Image.OPEN)
import faststyle.images.files, faststyle.images.folders
"""
_COMPARED = """
changed = {
    name
    for old, new in zip(before, state())
    for name in old
    if old[name] is not new[name] and not name.startswith("_")
}
assert not changed, changed
assert infos == TiffImagePlugin.OPEN_INFO
assert warnings.filters == filters
assert all(Image.OPEN[name] is known[name] for name in known)
"""
_READ = """
from pathlib import Path
for path in Path(folder).iterdir():
    faststyle.images.files.load_picture_bytes(path)
"""


def _write_all(folder: Path) -> list[Path]:
    first, second = Image.new("RGB", (20, 10), "red"), Image.new("RGB", (20, 10), "blue")
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01"  # of which Pillow warns
    paths = [folder / f"a.{suffix}" for suffix in ("jpg", "png", "webp", "tif", "gif", "bmp")]
    for path in paths:
        if path.suffix in (".gif", ".tif"):
            first.save(path, save_all=True, append_images=[second])
        elif path.suffix == ".bmp":
            first.save(path)
        else:
            first.save(path, exif=exif)
    return paths


@pytest.mark.parametrize("program", [_IMPORTED + _COMPARED, _IMPORTED + _READ + _COMPARED])
def test_pillow_is_as_it_was(tmp_path: Path, program: str) -> None:
    _write_all(tmp_path)
    words = [sys.executable, "-c", f"folder = {str(tmp_path)!r}\n{program}"]
    subprocess.run(words, check=True)


def test_threads_that_read_leave_pillow_and_warnings_alone(tmp_path: Path) -> None:
    paths = _write_all(tmp_path)
    stream, texts = PngImagePlugin.PngStream, PngImagePlugin.MAX_TEXT_CHUNK
    infos, filters = dict(TiffImagePlugin.OPEN_INFO), list(warnings.filters)
    limits: set[int | None] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            limits.add(Image.MAX_IMAGE_PIXELS)

    watcher = threading.Thread(target=watch)
    watcher.start()
    expected = [load_picture_bytes(path).pixels for path in paths]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(load_picture_bytes, paths * 30))
    stop.set()
    watcher.join()
    assert all(
        picture.pixels.equal(expected[number % len(paths)]) for number, picture in enumerate(found)
    )
    assert limits == {Image.MAX_IMAGE_PIXELS}
    assert Image.MAX_IMAGE_PIXELS is not None
    assert PngImagePlugin.PngStream is stream
    assert texts == PngImagePlugin.MAX_TEXT_CHUNK
    assert infos == TiffImagePlugin.OPEN_INFO
    assert warnings.filters == filters


def test_the_warnings_of_others_are_shown_between_pictures(tmp_path: Path) -> None:
    [path, *_] = _write_all(tmp_path)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        probe(path)
        assert not said
        warnings.warn("of others", stacklevel=1)
    assert [str(each.message) for each in said] == ["of others"]


@pytest.mark.parametrize("read", [probe, load_picture_bytes])
def test_a_limit_that_a_host_has_set_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
) -> None:
    paths = _write_all(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for path in paths:
        if path.suffix not in (".webp", ".tif"):
            read(path)
    assert Image.MAX_IMAGE_PIXELS == 10
