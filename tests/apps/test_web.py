"""The page of web/, built from npm's packages and run in headless Chromium on WebAssembly."""

import base64
import functools
import http.server
import io
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.checkpoints import TrainedStyle, write_style
from faststyle.inference.stylizer import Stylizer
from faststyle.networks import TransformNetwork
from faststyle.pictures.files import load_picture, load_picture_bytes
from tests.places import SCRIPTS
from tests.several import several_styles

WEB = Path(__file__).resolve().parents[2] / "web"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm here"),
]


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, paths = tmp_path_factory.mktemp("styles"), {}
    for seed, name in enumerate(("night", "wave")):
        torch.manual_seed(seed)
        paths[name] = folder / f"{name}.safetensors"
        write_style(TrainedStyle(TransformNetwork(width=4, blocks=1)), paths[name])
    paths["all"] = folder / "all.safetensors"
    write_style(several_styles(), paths["all"])
    return paths


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, styles: dict[str, Path]) -> Path:
    folder = tmp_path_factory.mktemp("page") / "web"
    ignored = shutil.ignore_patterns("node_modules", "dist", "styles")
    shutil.copytree(WEB, folder, ignore=ignored)
    given = ["--ckpt", *map(str, styles.values()), "--output", str(folder / "styles")]
    export = [sys.executable, str(SCRIPTS / "web_styles.py"), *given]
    for command in (export, ["npm", "ci"], ["npm", "run", "build"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


@pytest.fixture(params=["", "same-origin"])
def address(request: pytest.FixtureRequest, built: Path) -> Iterator[str]:
    """Any static server; one that isolates the page lets WebAssembly use several threads."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            if request.param:
                self.send_header("Cross-Origin-Opener-Policy", request.param)
                self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            super().end_headers()

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(built))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture
def photo(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    return make_photo(tmp_path / "a.png", 91, 70)


def wait(page: Any, state: str) -> None:
    page.wait_for_selector(f"#status[data-state={state}]")


def shown(page: Any) -> np.ndarray:
    png = page.evaluate("document.querySelector('#picture').toDataURL().split(',')[1]")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")).astype(int)


def test_it_shows_what_pytorch_computes_and_sends_nothing(
    address: str, styles: dict[str, Path], photo: Path, browser: Any
) -> None:
    page, sent = browser.new_page(), []
    page.on("request", lambda request: sent.append((request.method, request.url)))
    page.goto(address)
    wait(page, "ready")
    page.set_input_files("#photo", photo)
    for name, path in styles.items():
        page.select_option("#style", name)
        wait(page, "done")
        with page.expect_download() as download:
            page.click("#save")
        assert download.value.suggested_filename == f"{name}.png"
        found = load_picture_bytes(Path(download.value.path())).pixels
        choice = f"{path}:night" if name == "all" else path
        expected = Stylizer.load(choice, device="cpu")(load_picture(photo).pixels) * 255
        assert (found - expected).abs().max() < 1
    assert "WebAssembly" in page.inner_text("#status")
    assert {method for method, _ in sent} == {"GET"}
    assert all(url.startswith((address, "blob:", "data:")) for _, url in sent)
    page.close()


def test_the_styles_of_a_program_are_mixed_by_sliders(
    address: str, styles: dict[str, Path], photo: Path, browser: Any
) -> None:
    page = browser.new_page()
    page.goto(address)
    wait(page, "ready")
    page.select_option("#style", "all")
    sliders, samples = page.locator("#mixture input"), page.locator("#mixture button")
    assert page.locator("#mixture label").all_inner_texts() == ["night", "wave"]
    page.set_input_files("#photo", photo)

    def check(mix: dict[str, float]) -> None:
        wait(page, "done")
        stylizer = Stylizer.load(styles["all"], mix=mix, device="cpu")
        expected = stylizer(load_picture(photo).pixels).permute(1, 2, 0) * 255
        assert np.abs(shown(page) - expected.numpy()).max() < 1.5

    check({"night": 1})
    sliders.nth(1).fill("0.5")
    check({"night": 1, "wave": 0.5})
    samples.nth(1).click()
    check({"wave": 1})
    sliders.nth(1).fill("0")
    wait(page, "error")
    page.select_option("#style", "night")
    assert page.locator("#mixture").is_hidden()
    wait(page, "done")
    page.close()


def test_strength_and_the_slider_mix_photo_and_picture(
    address: str, photo: Path, browser: Any
) -> None:
    page = browser.new_page()
    page.goto(address)
    wait(page, "ready")
    page.set_input_files("#photo", photo)
    wait(page, "done")
    page.locator("#split").fill("0.5")
    original = np.asarray(Image.open(photo)).astype(int)
    difference = np.abs(shown(page) - original)
    assert difference[:, :45].max() <= 1
    assert difference[:, 46:].mean() > 10
    page.locator("#strength").fill("0")
    assert np.abs(shown(page) - original).max() <= 1
    page.close()


def test_what_is_no_picture_is_said(address: str, tmp_path: Path, browser: Any) -> None:
    (tmp_path / "a.png").write_text("hello")
    page = browser.new_page()
    page.goto(address)
    wait(page, "ready")
    page.set_input_files("#photo", tmp_path / "a.png")
    wait(page, "error")
    assert "not a picture" in page.inner_text("#status")
    page.close()
