"""Where things stand on the page that the demo serves, wide and on phones, in headless Chromium."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.apps.demo.steps import SIZES, choose, hold_pictures, take_brush, wait


def test_a_finger_that_scrolls_does_not_move_the_line(page: Any, photo: Path) -> None:
    choose(page, photo)
    now = "document.querySelector('#divider').getAttribute('aria-valuenow')"
    touch = (
        "([...moves]) => { const picture = document.querySelector('#picture');"
        " const box = picture.getBoundingClientRect(); picture.setPointerCapture = () => {};"
        " moves.forEach(([x, y], i) => picture.dispatchEvent(new PointerEvent("
        " i ? 'pointermove' : 'pointerdown', { pointerType: 'touch', pointerId: 5, button: 0,"
        " clientX: box.left + x * box.width, clientY: box.top + y * box.height })));"
        " picture.dispatchEvent(new PointerEvent('pointerup')); }"
    )
    page.evaluate(touch, [[0.5, 0.2], [0.505, 0.8]])
    assert page.evaluate(now) == "0"
    page.evaluate(touch, [[0.5, 0.5], [0.7, 0.5]])
    assert page.evaluate(now) == "70"


def test_the_line_between_before_and_after_is_dragged_and_moved_by_keys(
    page: Any, photo: Path
) -> None:
    choose(page, photo)
    divider = page.locator("#divider")
    box = page.locator("#picture").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "60"
    page.mouse.move(box["x"], y)
    assert divider.get_attribute("aria-valuenow") == "60", "let go"
    for key, now in (("ArrowLeft", "55"), ("Home", "0"), ("ArrowLeft", "0"), ("End", "100")):
        divider.press(key)
        assert divider.get_attribute("aria-valuenow") == now


@pytest.mark.parametrize("size", SIZES)
def test_nothing_hangs_over_the_edge_and_buttons_are_large_enough(
    page: Any, photo: Path, size: str
) -> None:
    page.set_viewport_size(SIZES[size])
    choose(page, photo)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.evaluate(
        "[...document.querySelectorAll('button, .style, .check, #sizes label, summary')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44


@pytest.mark.parametrize("shape", [(2000, 1), (1, 2000)])
@pytest.mark.parametrize("size", SIZES)
def test_a_photo_that_is_a_line_is_seen_whole_and_leaves_the_rest_in_place(
    page: Any, tmp_path: Path, size: str, shape: tuple[int, int]
) -> None:
    page.set_viewport_size(SIZES[size])
    Image.new("RGB", shape, "tan").save(tmp_path / "line.png")
    choose(page, tmp_path / "line.png")
    box = page.locator("#picture").bounding_box()
    assert min(box["width"], box["height"]) >= 96
    assert box["height"] <= 0.76 * SIZES[size]["height"] + 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_neither_brush_nor_line_stand_out_of_the_picture(page: Any, photo: Path) -> None:
    page.set_viewport_size(SIZES["phone"])
    choose(page, photo)
    box, handle = (page.locator(one).bounding_box() for one in ("#picture", "#divider"))
    assert box["x"] <= handle["x"], "at its left edge"
    page.press("#divider", "End")
    handle = page.locator("#divider").bounding_box()
    assert handle["x"] + handle["width"] <= box["x"] + box["width"]
    take_brush(page, "photo")
    page.fill("#width", "50")
    page.evaluate("scrollTo(0, 0)")
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20)
    page.wait_for_selector("#tip:visible")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [320, 640, 844])
def test_narrow_low_and_enlarged_windows_need_no_scrolling_sideways(
    page: Any, photo: Path, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 390})
    choose(page, photo)
    for panel in ("#mixing", "#brushing"):
        page.click(f"{panel} summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#picture").bounding_box()["height"] <= 390


def test_on_a_phone_nothing_moves_when_the_picture_is_painted(page: Any, photo: Path) -> None:
    page.set_viewport_size(SIZES["phone"])
    choose(page, photo)
    high = "document.querySelector('#stage').getBoundingClientRect().height"
    done = page.evaluate(high)
    hold_pictures(page)
    page.click("text=wave >> nth=0")
    wait(page, "busy")
    assert page.evaluate(high) == done


def test_on_a_phone_the_result_is_scrolled_to(page: Any, photo: Path) -> None:
    page.set_viewport_size(SIZES["phone"])
    choose(page, photo)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.locator(".style").last.click()
    wait(page, "busy")
    wait(page, "done")
    top = page.evaluate("document.querySelector('#picture').getBoundingClientRect().top")
    assert 0 <= top < 400
