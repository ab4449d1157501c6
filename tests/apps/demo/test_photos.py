"""How photos come to the page that the demo serves, and leave it, in headless Chromium."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.apps.demo.steps import choose, hold_pictures, saved, shown, wait


def test_a_photo_that_the_browser_cannot_read_is_read_by_the_server(
    page: Any, photo: Path, tmp_path: Path
) -> None:
    Image.open(photo).save(tmp_path / "b.tiff")
    choose(page, tmp_path / "b.tiff")
    assert saved(page, tmp_path / "b_night.jpg").shape == (270, 300, 3)


def test_after_an_unreadable_file_nothing_old_is_left(
    page: Any, photo: Path, tmp_path: Path
) -> None:
    choose(page, photo)
    (tmp_path / "text.png").write_text("hello")
    page.set_input_files("#file", tmp_path / "text.png")
    wait(page, "error")
    assert "not a photo" in page.inner_text("#status")
    assert page.is_disabled("#save")
    assert page.is_visible("#drop")
    assert page.is_hidden("#picture")
    choose(page, photo)


def test_a_new_photo_is_shown_at_once_and_never_beside_the_old_picture(
    page: Any, photo: Path, make_photo: Callable[..., Path], tmp_path: Path
) -> None:
    choose(page, photo)
    hold_pictures(page)
    page.set_input_files("#file", make_photo(tmp_path / "dog.png", 280, 256, seed=3))
    while page.evaluate("document.querySelector('#before').width") != 280:
        page.wait_for_timeout(20)
    assert page.evaluate("document.querySelector('#after').width") == 1, "nothing over it"
    assert page.is_disabled("#save")


def test_the_example_does_not_take_the_place_of_a_photo_that_was_chosen_meanwhile(
    page: Any, photo: Path
) -> None:
    held: list[Any] = []
    page.route("**/example.jpg", lambda route: held.append(route))
    page.click("#example")
    wait(page, "busy")
    choose(page, photo)
    shown_before = shown(page)
    for route in held:
        route.continue_()
    page.wait_for_timeout(300)
    assert shown(page) == shown_before


def test_a_transparent_photo_is_saved_with_its_transparency_whatever_its_format(
    page: Any, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (150, 140, 4), dtype=np.uint8)
    pixels[..., 3] = np.where(np.arange(140) < 70, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "a.gif")
    choose(page, tmp_path / "a.gif")
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "a_night.png"
    found = np.asarray(Image.open(download.value.path()))[..., 3]
    assert found[:, :70].max() == 0
    assert found[:, 70:].min() == 255


@pytest.mark.parametrize(
    "event",
    [
        "new DragEvent('drop', { dataTransfer: given, bubbles: true })",
        "new ClipboardEvent('paste', { clipboardData: given, bubbles: true })",
    ],
    ids=["dropped", "pasted"],
)
def test_a_photo_is_dropped_or_pasted(page: Any, photo: Path, event: str) -> None:
    page.evaluate(
        "(bytes) => { const given = new DataTransfer();"
        " given.items.add(new File([new Uint8Array(bytes)], 'a cat.png', { type: 'image/png' }));"
        f" document.body.dispatchEvent({event}); }}",
        list(photo.read_bytes()),
    )
    wait(page, "done")
    assert page.evaluate("document.querySelector('#after').width") == 300


def test_an_example_is_there_for_those_without_a_photo(page: Any) -> None:
    page.click("#example")
    wait(page, "done")


def test_without_a_camera_that_may_be_used_this_is_said(page: Any, photo: Path) -> None:
    page.click("#shoot")
    wait(page, "error")
    assert "no camera" in page.inner_text("#status")
    choose(page, photo)


def test_a_camera_takes_the_photo(page: Any) -> None:
    page.evaluate(
        "navigator.mediaDevices.getUserMedia = async () => {"
        " const canvas = Object.assign(document.createElement('canvas'), { width: 320 });"
        " canvas.getContext('2d').fillRect(0, 0, 9, 9); return canvas.captureStream(10); }"
    )
    page.click("#shoot")
    page.click("text=Take the photo")
    wait(page, "done")
    assert page.evaluate("document.querySelector('#after').width") == 320
    assert page.evaluate("document.querySelector('video').srcObject") is None, "let go of"
