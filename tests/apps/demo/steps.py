"""What tests do on the page that the demo serves."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from faststyle.inference.options import StylizeOptions
from faststyle.inference.stylizer import Stylizer
from faststyle.pictures.files import load_picture_bytes

SIZES = {"wide": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


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


def passes(page: Any) -> int:
    return sum(one.startswith("POST") and one.endswith("/pictures") for one in page.asked)


def shown(page: Any, canvas: str = "after") -> str:
    return str(page.evaluate(f"document.querySelector('#{canvas}').toDataURL()"))


def saved(page: Any, path: Path) -> np.ndarray:
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == path.name
    return np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)


def expected(photo: Path, style: str) -> np.ndarray:
    options = StylizeOptions(size=270)
    [picture] = Stylizer.load(style, device="cpu").stylize([load_picture_bytes(photo)], options)
    return picture.pixels.permute(1, 2, 0).numpy().astype(int)


def take_brush(page: Any, kind: str) -> None:
    if not page.evaluate("document.querySelector('#brushing').open"):
        page.click("#brushing summary")
    page.check(f"#brush input[value={kind}]")
    page.wait_for_selector("#picture.brushing")
