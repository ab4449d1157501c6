"""The brush on the page that the demo serves, in headless Chromium."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.apps.demo.steps import (
    choose,
    expected,
    hold_pictures,
    passes,
    saved,
    shown,
    take_brush,
    wait,
)


def _as_the_photo(page: Any, y: int, places: list[int]) -> list[bool]:
    """Whether a picture of 300 x 270 pixels shows the photo there, at each x of ``places``."""
    found: list[bool] = page.evaluate(
        "([y, places]) => { const [one, two] = ['before', 'after'].map((id) =>"
        " document.querySelector(`#${id}`).getContext('2d').getImageData(0, 0, 300, 270).data);"
        " return places.map((x) => 4 * (y * 300 + x)).map((i) => one[i] === two[i]); }",
        [y, places],
    )
    return found


def _draw(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A stroke between two places, in parts of the picture."""
    box = page.locator("#picture").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=8)
    page.mouse.up()
    page.wait_for_timeout(100)


def test_the_brush_brings_back_the_photo_where_it_is_drawn_and_then_the_style(
    page: Any, styles: list[str], photo: Path
) -> None:
    choose(page, photo)
    original = np.asarray(Image.open(photo).convert("RGB")).astype(int)
    whole, path = expected(photo, styles[0]), photo.with_name("a cat_night.png")
    take_brush(page, "photo")
    _draw(page, (0.2, 0.5), (0.8, 0.5))
    found = saved(page, path)
    assert np.abs(found - original)[130:140, 70:230].max() <= 1
    assert np.abs(found - whole)[:90].max() <= 1
    assert np.abs(found - whole)[:, :20].max() <= 1
    take_brush(page, "style")
    _draw(page, (0.6, 0.5), (0.9, 0.5))
    found = saved(page, path)
    assert np.abs(found - whole)[130:140, 190:].max() <= 1
    assert np.abs(found - original)[130:140, 70:130].max() <= 1
    assert passes(page) == 1


def test_strokes_stay_when_style_or_size_change_and_go_with_the_photo(
    page: Any, styles: list[str], photo: Path, make_photo: Callable[..., Path], tmp_path: Path
) -> None:
    choose(page, photo)
    take_brush(page, "photo")
    _draw(page, (0.2, 0.5), (0.8, 0.5))
    page.click("text=wave >> nth=0")
    wait(page, "busy")
    wait(page, "done")
    original = np.asarray(Image.open(photo).convert("RGB")).astype(int)
    found = saved(page, photo.with_name("a cat_wave.png"))
    assert np.abs(found - original)[130:140, 70:230].max() <= 1
    page.click("#fill-style")
    page.wait_for_timeout(100)
    found = saved(page, photo.with_name("a cat_wave.png"))
    assert np.abs(found - expected(photo, styles[1])).max() <= 1
    _draw(page, (0.2, 0.5), (0.8, 0.5))
    other = make_photo(tmp_path / "dog.png", 300, 270, seed=3)
    choose(page, other)
    found = saved(page, other.with_name("dog_wave.png"))
    assert np.abs(found - expected(other, styles[1])).max() <= 1


def test_filled_with_the_photo_only_a_part_is_painted_in_the_style(
    page: Any, styles: list[str], photo: Path
) -> None:
    choose(page, photo)
    original = np.asarray(Image.open(photo).convert("RGB")).astype(int)
    whole, path = expected(photo, styles[0]), photo.with_name("a cat_night.png")
    page.click("#brushing summary")
    page.click("#fill-photo")
    page.wait_for_timeout(100)
    assert np.abs(saved(page, path) - original).max() <= 1
    take_brush(page, "style")
    _draw(page, (0.2, 0.5), (0.8, 0.5))
    found = saved(page, path)
    assert np.abs(found - whole)[130:140, 70:230].max() <= 1
    assert np.abs(found - original)[:90].max() <= 1


def test_strokes_and_fillings_are_undone_and_done_again_by_buttons_and_keys(
    page: Any, photo: Path, make_photo: Callable[..., Path], tmp_path: Path
) -> None:
    choose(page, photo)
    take_brush(page, "photo")
    assert page.is_disabled("#undo")
    seen = [shown(page)]
    for y in (0.3, 0.7):
        _draw(page, (0.2, y), (0.8, y))
        seen.append(shown(page))
    take_brush(page, "style")
    _draw(page, (0.4, 0.3), (0.6, 0.3))
    page.wait_for_timeout(100)
    seen.append(shown(page))
    page.click("#fill-photo")
    page.wait_for_timeout(100)
    seen.append(shown(page))
    assert len(set(seen)) == 5

    def after(key: str) -> str:
        page.keyboard.press(key) if "+" in key else page.click(key)
        page.wait_for_timeout(100)
        return shown(page)

    assert [after("#undo") for _ in range(2)] == [seen[3], seen[2]]
    assert [after("#redo") for _ in range(2)] == [seen[3], seen[4]]
    assert page.is_disabled("#redo")
    assert [after("Control+z") for _ in range(5)] == [*seen[3::-1], seen[0]]
    assert [after("Control+Shift+Z"), after("Control+y")] == seen[1:3]
    _draw(page, (0.5, 0.1), (0.5, 0.9))
    assert page.is_disabled("#redo"), "a new stroke leads elsewhere"
    choose(page, make_photo(tmp_path / "dog.png", 300, 270, seed=3))
    assert page.is_disabled("#undo"), "of another photo"


def test_undoing_by_keyboard_keeps_the_focus_beside_the_last_step(page: Any, photo: Path) -> None:
    choose(page, photo)
    take_brush(page, "photo")
    _draw(page, (0.2, 0.5), (0.8, 0.5))
    page.focus("#undo")
    for button in ("redo", "undo"):
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == button


def test_the_brush_is_moved_and_paints_by_keyboard(page: Any, photo: Path) -> None:
    choose(page, photo)
    whole = shown(page)
    page.focus("#brushing summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#picture.brushing")
    page.focus("#tip")
    at = "({ left, top }) => [left, top].map(parseFloat)"
    assert page.evaluate(f"({at})(document.querySelector('#tip').style)") == [50, 50]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(f"({at})(document.querySelector('#tip').style)") == [48, 48]
    assert shown(page) == whole, "it was moved alone"
    for _ in range(10):
        page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(100)
    assert _as_the_photo(page, 130, [60, 150, 200]) == [False, True, True]
    page.focus("#brush input[value=photo]")
    page.keyboard.press("ArrowRight")
    page.focus("#tip")
    page.keyboard.press("Space")
    page.wait_for_timeout(100)
    assert _as_the_photo(page, 130, [60, 150, 200]) == [False, True, False]


def test_nothing_is_painted_on_a_photo_that_has_no_picture_yet(
    page: Any, photo: Path, make_photo: Callable[..., Path], tmp_path: Path
) -> None:
    choose(page, photo)
    take_brush(page, "photo")
    held = hold_pictures(page)
    other = make_photo(tmp_path / "dog.png", 300, 270, seed=3)
    page.set_input_files("#file", other)
    page.wait_for_selector("#picture.photo")
    _draw(page, (0.2, 0.3), (0.8, 0.3))
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    page.unroute(re.compile("/pictures/"))
    wait(page, "done")
    before, whole = shown(page, "before"), shown(page)
    page.click("#fill-style")
    page.wait_for_timeout(100)
    assert shown(page) == whole != before


def test_a_second_finger_draws_no_line_to_the_first(page: Any, photo: Path) -> None:
    choose(page, photo)
    take_brush(page, "photo")
    page.evaluate(
        "(() => { const picture = document.querySelector('#picture');"
        " const box = picture.getBoundingClientRect(); picture.setPointerCapture = () => {};"
        " const send = (type, pointerId, x) => picture.dispatchEvent(new PointerEvent(type, {"
        " pointerId, isPrimary: pointerId === 5, button: 0,"
        " clientX: box.left + x * box.width, clientY: box.top + 0.5 * box.height }));"
        " send('pointerdown', 5, 0.2); send('pointerdown', 6, 0.9); send('pointermove', 6, 0.8);"
        " send('pointerup', 5, 0.2); })()"
    )
    page.wait_for_timeout(100)
    assert _as_the_photo(page, 135, [60, 150, 255]) == [True, False, False]


def test_with_the_brush_there_is_no_line_to_drag(page: Any, photo: Path) -> None:
    assert page.is_disabled("#fill-photo"), "there is nothing to paint on"
    choose(page, photo)
    take_brush(page, "photo")
    assert page.is_hidden("#divider")
    split = page.evaluate(
        "getComputedStyle(document.querySelector('#picture')).getPropertyValue('--split')"
    )
    _draw(page, (0.2, 0.5), (0.8, 0.5))
    assert split == page.evaluate(
        "getComputedStyle(document.querySelector('#picture')).getPropertyValue('--split')"
    )
    page.click("#brushing summary")
    page.wait_for_selector("#divider:visible")
