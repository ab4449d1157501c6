"""The page as the demo serves it, in headless Chromium."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from faststyle.core.assets import project_address
from faststyle.images.files import load_picture_bytes
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.stylizer import Stylizer

SIZES = {"wide": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def photo(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    return make_photo(tmp_path / "a cat.png", 300, 270)


@pytest.fixture
def page(address: str, profile: Any) -> Iterator[Any]:
    """Ready for a photo; ``asked`` are the addresses that it asked for."""
    page = profile.pages[0]
    page.asked = []

    def note(request: Any) -> None:
        page.asked.append(f"{request.method} {request.url}")

    page.on("request", note)
    page.set_viewport_size(SIZES["wide"])
    page.goto(address)
    wait(page, "ready")
    yield page
    page.unroute_all()
    page.remove_listener("request", note)


def wait(page: Any, state: str) -> None:
    page.wait_for_selector(f"#status[data-state={state}]", timeout=60_000)


def choose(page: Any, photo: Path) -> None:
    page.set_input_files("#file", photo)
    wait(page, "done")


def hold_pictures(page: Any) -> list[Any]:
    """Let pictures that are asked for wait; returns where what holds them is put."""
    held: list[Any] = []

    def hold(route: Any) -> None:
        if route.request.method == "DELETE":
            route.continue_()
        else:
            held.append(route)

    page.route(re.compile("/pictures/"), hold)
    return held


def passes(page: Any, path: str = "/pictures") -> int:
    return sum(one.startswith("POST") and one.endswith(path) for one in page.asked)


def shown(page: Any, canvas: str = "after") -> str:
    return str(page.evaluate(f"document.querySelector('#{canvas}').toDataURL()"))


def saved(page: Any, path: Path) -> np.ndarray:
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == path.name
    return np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)


def expected(photo: Path, style: str) -> np.ndarray:
    options = RenderOptions(size=270)
    [picture] = Stylizer.load(style, device="cpu").process([load_picture_bytes(photo)], options)
    return picture.pixels.permute(1, 2, 0).numpy().astype(int)


def test_the_picture_follows_each_choice_by_one_pass(
    page: Any, address: str, styles: list[str], photo: Path
) -> None:
    choose(page, photo)
    assert passes(page) == 1
    path = photo.with_name("a cat_night.png")
    assert np.abs(saved(page, path) - expected(photo, styles[0])).max() <= 1
    page.click("text=wave >> nth=0")
    wait(page, "busy")
    wait(page, "done")
    assert passes(page) == 2
    path = photo.with_name("a cat_wave.png")
    assert np.abs(saved(page, path) - expected(photo, styles[1])).max() <= 1
    here = (address, "blob:", "data:")
    assert all(one.split(" ")[1].startswith(here) for one in page.asked)


def test_a_painting_of_the_visitors_own_is_a_card_like_the_others(
    page: Any, photo: Path, make_photo: Callable[..., Path]
) -> None:
    choose(page, photo)
    painting = make_photo(photo.with_name("my garden.png"), 90, 80)
    with page.expect_file_chooser() as chooser:
        page.click("text=Like a painting of yours")
    chooser.value.set_files(painting)
    wait(page, "busy")
    wait(page, "done")
    stylizer = Stylizer.load("any", device="cpu").painting(Image.open(painting))
    wanted = np.asarray(stylizer(Image.open(photo))).astype(int)
    path = photo.with_name("a cat_my garden.png")
    assert np.abs(saved(page, path) - wanted).max() <= 1
    page.click("text=wave >> nth=0")
    wait(page, "busy")
    wait(page, "done")
    page.click("label:has-text('my garden')")
    wait(page, "busy")
    wait(page, "done")
    assert np.abs(saved(page, path) - wanted).max() <= 1
    assert passes(page, "/photos") == 2, "photo and painting are sent once each"


def test_the_old_picture_stays_and_is_marked_until_the_new_one_is_there(
    page: Any, photo: Path
) -> None:
    choose(page, photo)
    old, held = shown(page), hold_pictures(page)
    page.click("text=wave >> nth=0")
    page.wait_for_selector("#picture.old")
    page.wait_for_selector("#work:visible")
    assert shown(page) == old
    assert page.is_disabled("#save"), "what is saved is what is chosen"
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    page.unroute(re.compile("/pictures/"))
    wait(page, "done")
    assert shown(page) != old
    assert page.locator("#picture.old").count() == 0


def test_quick_changes_ask_for_the_last_one_alone(page: Any, photo: Path) -> None:
    choose(page, photo)
    # At once: the machine may be slow.
    page.evaluate(
        "[...document.querySelectorAll('input[name=style]')].forEach((one) => one.click())"
    )
    wait(page, "busy")
    wait(page, "done")
    assert passes(page) == 2


def test_strength_and_colors_need_no_pass_and_tabbing_changes_nothing(
    page: Any, photo: Path
) -> None:
    choose(page, photo)
    before, whole = shown(page, "before"), shown(page)
    page.fill("#strength", "0")
    assert shown(page) == before, "strength 0 is the photo"
    page.fill("#strength", "100")
    assert shown(page) == whole
    page.check("#colors")
    assert shown(page) not in (whole, before)
    for _ in range(20):
        page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    assert passes(page) == 1


def test_keeping_colors_is_what_the_command_does(page: Any, styles: list[str], photo: Path) -> None:
    choose(page, photo)
    page.check("#colors")
    options = RenderOptions(color="photo")
    [picture] = Stylizer.load(styles[0], device="cpu").process([load_picture_bytes(photo)], options)
    found = saved(page, photo.with_name("a cat_night.png"))
    assert np.abs(found - picture.pixels.permute(1, 2, 0).numpy()).max() <= 2


def _brush(page: Any, kind: str) -> None:
    if not page.evaluate("document.querySelector('#brushing').open"):
        page.click("#brushing summary")
    page.check(f"#brush input[value={kind}]")
    page.wait_for_selector("#picture.brushing")


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
    _brush(page, "photo")
    _draw(page, (0.2, 0.5), (0.8, 0.5))
    found = saved(page, path)
    assert np.abs(found - original)[130:140, 70:230].max() <= 1
    assert np.abs(found - whole)[:90].max() <= 1
    assert np.abs(found - whole)[:, :20].max() <= 1
    _brush(page, "style")
    _draw(page, (0.6, 0.5), (0.9, 0.5))
    found = saved(page, path)
    assert np.abs(found - whole)[130:140, 190:].max() <= 1
    assert np.abs(found - original)[130:140, 70:130].max() <= 1
    assert passes(page) == 1


def test_strokes_stay_when_style_or_size_change_and_go_with_the_photo(
    page: Any, styles: list[str], photo: Path, make_photo: Callable[..., Path], tmp_path: Path
) -> None:
    choose(page, photo)
    _brush(page, "photo")
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
    _brush(page, "style")
    _draw(page, (0.2, 0.5), (0.8, 0.5))
    found = saved(page, path)
    assert np.abs(found - whole)[130:140, 70:230].max() <= 1
    assert np.abs(found - original)[:90].max() <= 1


def test_strokes_and_fillings_are_undone_and_done_again_by_buttons_and_keys(
    page: Any, photo: Path, make_photo: Callable[..., Path], tmp_path: Path
) -> None:
    choose(page, photo)
    _brush(page, "photo")
    assert page.is_disabled("#undo")
    seen = [shown(page)]
    for y in (0.3, 0.7):
        _draw(page, (0.2, y), (0.8, y))
        seen.append(shown(page))
    _brush(page, "style")
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
    _brush(page, "photo")
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
    _brush(page, "photo")
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
    _brush(page, "photo")
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
    _brush(page, "photo")
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


def test_styles_of_one_file_are_mixed_by_sliders(page: Any, styles: list[str], photo: Path) -> None:
    choose(page, photo)
    page.locator(".style:has(input[value='all:night'])").click()
    page.click("text=Mix styles")
    assert page.locator("#mixture input").count() == 2
    page.locator("#mixture input").nth(1).fill("25")
    page.wait_for_timeout(400)
    wait(page, "done")
    mixed = f"{styles[2].removesuffix(':night')}:night=100,wave=25"
    found = saved(page, photo.with_name("a cat_night-wave.png"))
    assert np.abs(found - expected(photo, mixed)).max() <= 1
    for slider in range(2):
        page.locator("#mixture input").nth(slider).fill("0")
    wait(page, "error")
    assert "more than nothing" in page.inner_text("#status")


def test_a_style_of_a_file_of_its_own_is_mixed_with_others_by_the_file_of_several(
    page: Any, styles: list[str], photo: Path
) -> None:
    choose(page, photo)
    page.click("text=Mix styles")
    values = page.locator("#mixture output").all_inner_texts()
    assert values == ["100 %", "0 %"], "night is in both"
    page.locator("#mixture input").nth(1).fill("50")
    wait(page, "busy")
    wait(page, "done")
    mixed = f"{styles[2].removesuffix(':night')}:night=100,wave=50"
    found = saved(page, photo.with_name("a cat_night-wave.png"))
    assert np.abs(found - expected(photo, mixed)).max() <= 1


def test_a_painting_without_a_sample_is_there_to_be_mixed_alone(page: Any, address: str) -> None:
    about = requests.get(f"{address}styles.json", timeout=60).json()
    [several] = [one for one in about["programs"] if one["weights"]]
    several["styles"][0]["sample"] = None
    page.route("**/styles.json", lambda route: route.fulfill(json=about))
    page.reload()
    wait(page, "ready")
    values = [one.input_value() for one in page.locator("input[name=style]").all()]
    assert "all:wave" in values
    assert "all:night" not in values
    page.locator(".style:has(input[value='all:wave'])").click()
    page.click("text=Mix styles")
    assert page.locator("#mixture input").count() == 2


def test_the_project_is_linked_if_it_has_an_address(page: Any, address: str) -> None:
    assert page.is_hidden("#project") == (project_address() is None)
    about = requests.get(f"{address}styles.json", timeout=60).json()
    about["project"] = "https://example.org/faststyle"
    page.route("**/styles.json", lambda route: route.fulfill(json=about))
    page.reload()
    wait(page, "ready")
    assert page.is_visible("#project")
    assert page.get_attribute("#project", "href") == "https://example.org/faststyle"


def test_the_license_is_a_click_away_and_the_photo_stays(page: Any, photo: Path) -> None:
    choose(page, photo)
    with page.expect_popup() as opened:
        page.click("text=MIT license")
    opened.value.wait_for_selector("text=Permission is hereby granted")
    opened.value.close()
    assert page.is_enabled("#save")


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


def test_a_lost_connection_is_said_and_can_be_tried_again(page: Any, photo: Path) -> None:
    choose(page, photo)
    page.route(re.compile("/pictures"), lambda route: route.abort())
    page.click("text=wave >> nth=0")
    wait(page, "error")
    assert "connection was lost" in page.inner_text("#status")
    page.unroute(re.compile("/pictures"))
    page.click("#again")
    wait(page, "done")


def test_what_is_under_way_can_be_cancelled(page: Any, photo: Path) -> None:
    choose(page, photo)
    old = shown(page)
    hold_pictures(page)
    page.click("text=wave >> nth=0")
    page.click("#cancel")
    wait(page, "done")
    assert "Cancelled" in page.inner_text("#status")
    assert shown(page) == old


@pytest.mark.parametrize("leave", ["cancel", "other style", "other page"])
def test_who_changes_his_mind_or_leaves_frees_the_place(
    page: Any, photo: Path, address: str, leave: str
) -> None:
    choose(page, photo)
    held = hold_pictures(page)
    page.click("text=wave >> nth=0")
    while not held:
        page.wait_for_timeout(20)
    asked_for = held[0].request.url
    if leave == "other page":
        page.goto(address + "license.txt")
    else:
        with page.expect_request(lambda one: (one.method, one.url) == ("DELETE", asked_for)):
            page.click("#cancel" if leave == "cancel" else "text=night >> nth=0")
    deadline = time.monotonic() + 5
    while requests.get(asked_for, timeout=10).status_code != 410:
        page.wait_for_timeout(20)  # what holds requests lets the page's DELETE through meanwhile
        assert time.monotonic() < deadline


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


def test_styles_that_do_not_come_can_be_fetched_again(
    address: str, photo: Path, profile: Any
) -> None:
    page = profile.new_page()
    page.route("**/styles.json", lambda route: route.abort())
    page.goto(address)
    wait(page, "error")
    assert page.is_disabled("#choose"), "there is nothing to choose it for"
    page.unroute("**/styles.json")
    page.click("#again")
    wait(page, "ready")
    choose(page, photo)
    page.close()


def test_the_focus_goes_on_when_what_has_it_goes(page: Any) -> None:
    page.focus("#example")
    page.keyboard.press("Enter")
    wait(page, "done")
    assert page.evaluate("document.activeElement.id") in ("cancel", "save", "divider")


def test_the_place_in_the_line_is_spoken(page: Any, photo: Path) -> None:
    said = json.dumps({"ahead": 3, "seconds": 9.4})
    choose(page, photo)
    page.route(re.compile("/pictures/"), lambda route: route.fulfill(status=202, body=said))
    page.click("text=wave >> nth=0")
    page.wait_for_selector("#doing:has-text('Waiting for 3 pictures: 9 seconds left')")
    assert page.inner_text("#status") == "Waiting for 3 pictures …"


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


def test_it_is_used_by_keyboard_alone(page: Any, photo: Path) -> None:
    page.on("filechooser", lambda _: None)  # from here on Chromium opens no dialog of its own
    page.bring_to_front()
    page.keyboard.press("Tab")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photo)
    wait(page, "done")
    page.focus("#divider")
    page.keyboard.press("Tab")
    with page.expect_download():
        page.keyboard.press("Enter")


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
    _brush(page, "photo")
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


@pytest.mark.parametrize("size", SIZES)
def test_many_styles_leave_the_other_controls_within_reach(
    page: Any, photo: Path, size: str
) -> None:
    page.set_viewport_size(SIZES[size])
    choose(page, photo)
    page.evaluate(
        "(() => { const one = document.querySelector('.style');"
        " for (let i = 0; i < 40; i++) one.parentNode.append(one.cloneNode(true)); })()"
    )
    assert page.evaluate("document.querySelector('#styles').offsetHeight") <= 400
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    last = page.locator(".style").last
    last.locator("input").focus()
    whole, part = page.locator("#styles").bounding_box(), last.bounding_box()
    assert part["x"] + part["width"] <= whole["x"] + whole["width"] + 1
    assert part["y"] + part["height"] <= whole["y"] + whole["height"] + 1


def test_styles_of_one_title_are_told_apart_by_what_their_files_add(
    page: Any, address: str
) -> None:
    about = requests.get(f"{address}styles.json", timeout=60).json()
    for program in about["programs"]:
        for style in program["styles"]:
            style |= {"title": f"The {style['name']}", "artist": None, "year": None}
    page.route("**/styles.json", lambda route: route.fulfill(json=about))
    page.reload()
    wait(page, "ready")
    names = page.locator(".style span").all_inner_texts()
    assert [" ".join(one.split()) for one in names] == [
        "The night",
        "The wave",
        "The night all",
        "The wave all",
    ]


def test_on_a_phone_the_result_is_scrolled_to(page: Any, photo: Path) -> None:
    page.set_viewport_size(SIZES["phone"])
    choose(page, photo)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.locator(".style").last.click()
    wait(page, "busy")
    wait(page, "done")
    top = page.evaluate("document.querySelector('#picture').getBoundingClientRect().top")
    assert 0 <= top < 400
