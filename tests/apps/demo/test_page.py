"""What a choice does on the page that the demo serves, in headless Chromium."""

import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from faststyle.core.assets import project_address
from faststyle.inference.options import StylizeOptions
from faststyle.inference.stylizer import Stylizer
from faststyle.pictures.files import load_picture_bytes
from tests.apps.demo.steps import choose, expected, hold_pictures, passes, saved, shown, wait


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
    options = StylizeOptions(color="photo")
    [picture] = Stylizer.load(styles[0], device="cpu").stylize([load_picture_bytes(photo)], options)
    found = saved(page, photo.with_name("a cat_night.png"))
    assert np.abs(found - picture.pixels.permute(1, 2, 0).numpy()).max() <= 2


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
        assert time.monotonic() < deadline


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
