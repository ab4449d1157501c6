"""Many styles, and mixtures of them, on the page that the demo serves, in headless Chromium."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from tests.apps.demo.steps import SIZES, choose, expected, saved, wait


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
