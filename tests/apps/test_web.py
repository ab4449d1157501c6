"""The page of web/, built from npm's packages and run in headless Chromium on WebAssembly."""

import functools
import http.server
import json
import re
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.apps.demo.server import build
from faststyle.apps.demo.worker import WorkerPool
from faststyle.images.files import load_picture
from faststyle.networks import TransformNetwork
from faststyle.styles import TrainedStyle, write_style
from faststyle.stylize.stylizer import Stylizer
from tests.apps.demo.conftest import running
from tests.places import ROOT, SCRIPTS
from tests.several import several_styles

WEB = ROOT / "web"
SIZES = {"wide": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm here"),
]


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, paths = tmp_path_factory.mktemp("styles"), {}
    for seed, name in enumerate(("night", "night_small")):
        torch.manual_seed(seed)
        paths[name] = folder / f"{name}.safetensors"
        write_style(TrainedStyle(TransformNetwork(width=4, blocks=1)), paths[name])
    for width, name in ((4, "all"), (2, "all_small")):
        paths[name] = folder / f"{name}.safetensors"
        write_style(several_styles(width), paths[name])
    return paths


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, styles: dict[str, Path]) -> Path:
    """The page that ``make web`` makes, in a folder beside its packages."""
    root = tmp_path_factory.mktemp("page")
    page = Path("src/faststyle/apps/page")
    shutil.copytree(ROOT / page, root / page)
    folder = root / "web"
    ignored = shutil.ignore_patterns("node_modules", "dist", "styles")
    shutil.copytree(WEB, folder, ignore=ignored)
    script = str(SCRIPTS / "web_styles.py")
    given = ["--ckpt", *map(str, styles.values()), "--output", str(folder / "styles")]
    with pytest.MonkeyPatch.context() as patch:  # torch is here already
        patch.setattr(sys, "argv", [script, *given])
        runpy.run_path(script, run_name="__main__")
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


@contextmanager
def served(folder: Path, **headers: str) -> Iterator[str]:
    """Any static server."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            super().end_headers()

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    with served(built) as where:
        yield where


@pytest.fixture
def photo(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    return make_photo(tmp_path / "cat.png", 91, 70)


def opened(context: Any, address: str, script: str = "") -> Any:
    """The page, ready for a photo; ``script`` is run before its own."""
    if script or not context.pages:
        context.new_page().add_init_script(script)
    page = context.pages[-1]
    page.goto(address)
    wait(page, "ready")
    return page


def wait(page: Any, state: str) -> None:
    page.wait_for_selector(f"#status[data-state={state}]", timeout=60_000)


def choose(page: Any, photo: Path) -> None:
    page.set_input_files("#file", photo)
    wait(page, "done")


def saved(page: Any, name: str) -> np.ndarray:
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == name
    return np.asarray(Image.open(download.value.path())).astype(int)


def computed(style: str | Path, photo: Path) -> np.ndarray:
    pixels = Stylizer.load(style, device="cpu")(load_picture(photo).pixels) * 255
    return pixels.permute(1, 2, 0).numpy()


def is_right(page: Any, styles: dict[str, Path], photo: Path, named: str = "night") -> bool:
    """Whether what is saved is the picture of a file's style, or of one in it, ``FILE:STYLE``."""
    file, _, inside = named.partition(":")
    found = saved(page, f"{photo.stem}_{inside or file}{photo.suffix}")
    style = f"{styles[file]}{named.removeprefix(file)}"
    return bool(np.abs(found[..., :3] - computed(style, photo)).max() < 1)


@pytest.mark.parametrize("isolated", [False, True], ids=["one thread", "several threads"])
def test_it_shows_what_pytorch_computes_and_sends_nothing(
    built: Path, styles: dict[str, Path], photo: Path, context: Any, isolated: bool
) -> None:
    headers = {
        "Cross_Origin_Opener_Policy": "same-origin",
        "Cross_Origin_Embedder_Policy": "require-corp",
    }
    with served(built, **headers if isolated else {}) as address:
        sent = []
        context.on("request", lambda request: sent.append((request.method, request.url)))
        page = opened(context, address)
        assert page.evaluate("crossOriginIsolated") == isolated
        choose(page, photo)
        assert is_right(page, styles, photo)
        page.locator(".style:has(input[value='all:wave'])").click()
        wait(page, "busy")
        wait(page, "done")
        assert is_right(page, styles, photo, "all:wave")
        assert {method for method, _ in sent} == {"GET"}
        assert all(url.startswith((address, "blob:", "data:")) for _, url in sent)


def test_styles_are_mixed_by_sliders(
    address: str, styles: dict[str, Path], photo: Path, context: Any
) -> None:
    page = opened(context, address)
    choose(page, photo)
    page.click("text=Mix styles")
    assert page.locator("input[value='all:night']").count() == 0, "night has a file of its own"
    page.locator("#mixture input").nth(1).fill("50")
    wait(page, "busy")
    wait(page, "done")
    expected = computed(f"{styles['all']}:night=2,wave=1", photo)
    assert np.abs(saved(page, "cat_night-wave.png")[..., :3] - expected).max() < 1.5


def test_the_style_that_is_chosen_at_first_comes_first(
    built: Path, tmp_path: Path, context: Any
) -> None:
    shutil.copytree(built, tmp_path / "dist")
    listed = tmp_path / "dist" / "styles.json"
    about = json.loads(listed.read_text())
    about["programs"].sort(key=lambda program: "quick" in program)
    listed.write_text(json.dumps(about))
    with served(tmp_path / "dist") as address:
        page = opened(context, address)
        first = page.locator("input[name=style]").first
        assert first.input_value().startswith("night:")
        assert first.is_checked()


@pytest.mark.parametrize("named", ["night", "all:wave"])
def test_a_small_network_gives_a_first_look(
    address: str, styles: dict[str, Path], photo: Path, context: Any, named: str
) -> None:
    file = named.partition(":")[0]
    held: list[Any] = []
    context.route(re.compile(rf"/{file}\.onnx"), lambda route: held.append(route))
    page = opened(context, address)
    page.locator(f".style:has(input[value^='{file}:'])").click()
    page.set_input_files("#file", photo)
    while page.evaluate("document.querySelector('#after').width") != 91:
        page.wait_for_timeout(20)
    assert page.get_attribute("#status", "data-state") == "busy"
    pixels = page.evaluate(
        "[...document.querySelector('#after').getContext('2d').getImageData(0, 0, 91, 70).data]"
    )
    found = np.array(pixels).reshape(70, 91, 4)[..., :3]
    small = f"{styles[f'{file}_small']}{named.removeprefix(file)}"
    assert np.abs(found - computed(small, photo)).max() < 1
    assert page.locator("#picture.old").count() == 0, "it is of the style that was chosen"
    assert page.is_disabled("#save")
    held[0].continue_()
    wait(page, "done")
    assert is_right(page, styles, photo, named)


GPUS = {
    "no device": "{ requestAdapter: async () => ({ requestDevice: () => Promise.reject(9) }) }",
    "no adapter": "{ requestAdapter: async () => null }",
    "software": "{ requestAdapter: async () => ({ info: { isFallbackAdapter: true },"
    " requestDevice: async () => ({ destroy() {} }) }) }",
    "no answer": "{ requestAdapter: () => new Promise(() => undefined) }",
    "one that is lost": "{ requestAdapter: async () => ({ info: {},"
    " requestDevice: async () => ({ destroy() {} }) }) }",
}


@pytest.mark.parametrize("gpu", GPUS)
def test_without_a_graphics_card_that_works_the_processor_paints(
    address: str, styles: dict[str, Path], photo: Path, context: Any, gpu: str
) -> None:
    script = f"Object.defineProperty(navigator, 'gpu', {{ value: {GPUS[gpu]} }})"
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = opened(context, address, script)
    choose(page, photo)
    assert is_right(page, styles, photo)
    assert any("webgpu" in url for url in asked) == (gpu == "one that is lost")


def test_a_graphics_card_that_computes_something_else_is_not_used(
    built: Path, tmp_path: Path, styles: dict[str, Path], photo: Path, context: Any
) -> None:
    # What stands in its place works as well as the processor, but each style is said to make
    # something else of the tiny picture than it does.
    shutil.copytree(built, tmp_path / "dist")
    for kind in ("ort.{}.js", "ort-wasm-simd-threaded{}.wasm"):
        gpu, cpu = ("webgpu", "wasm") if "js" in kind else (".asyncify", "")
        shutil.copy(built / kind.format(cpu), tmp_path / "dist" / kind.format(gpu))
    worker = tmp_path / "dist" / "worker.js"
    providers = 'executionProviders: ["wasm"]'
    text = re.sub(r"executionProviders: \[.*\]", providers, worker.read_text())
    sizes = [
        (built / f"ort-wasm-simd-threaded{part}.wasm").stat().st_size for part in (".asyncify", "")
    ]
    worker.write_text(text.replace(str(sizes[0]), str(sizes[1])))
    listed = tmp_path / "dist" / "styles.json"
    card = f"Object.defineProperty(navigator, 'gpu', {{ value: {GPUS['one that is lost']} }})"
    for wrong in (False, True):
        if wrong:
            listed.write_text(re.sub(r'"probe": \[', '"probe": [90000, ', listed.read_text()))
        with served(tmp_path / "dist") as address:
            asked: list[str] = []
            context.on("request", lambda request, asked=asked: asked.append(request.url))
            page = opened(context, address, card)
            choose(page, photo)
            assert is_right(page, styles, photo)
            assert any("ort.webgpu" in url for url in asked)
            assert any("ort.wasm" in url for url in asked) == wrong
            page.close()


@pytest.mark.parametrize(
    "lost", ["worker.js", "ort.wasm.js", "ort-wasm-simd-threaded.wasm", "night.onnx"]
)
def test_a_download_that_is_lost_is_tried_again_by_the_page_and_then_by_the_visitor(
    address: str, styles: dict[str, Path], photo: Path, context: Any, lost: str
) -> None:
    page = opened(context, address)
    where, tries = re.compile(rf"/{re.escape(lost)}(\?\w+)?$"), 0

    def lose(route: Any) -> None:
        nonlocal tries
        tries += 1
        route.abort()

    context.route(where, lose)
    page.set_input_files("#file", photo)
    wait(page, "error")
    assert tries >= 3
    assert page.is_disabled("#save")
    context.unroute(where)
    page.click("#again")
    wait(page, "done")
    assert is_right(page, styles, photo)


def test_a_download_that_is_cut_off_is_not_used(
    address: str, styles: dict[str, Path], photo: Path, context: Any, built: Path
) -> None:
    whole = (built / "styles" / "night.onnx").read_bytes()
    answers = iter((whole[:1000], whole + b"more", whole))
    context.route(re.compile(r"/night\.onnx"), lambda route: route.fulfill(body=next(answers)))
    page = opened(context, address)
    choose(page, photo)
    assert is_right(page, styles, photo)
    assert next(answers, None) is None


def test_a_wrong_answer_is_not_kept(
    address: str, styles: dict[str, Path], photo: Path, browser: Any
) -> None:
    """As of networks in hotels, which answer all with a page of their own at first."""
    context = browser.new_context()
    page = opened(context, address)
    pattern = re.compile(r"/night\.onnx")
    context.route(pattern, lambda route: route.fulfill(body="<html>Log in</html>"))
    page.set_input_files("#file", photo)
    wait(page, "error")
    context.unroute(pattern)
    page.click("#again")
    wait(page, "done")
    assert is_right(page, styles, photo)
    context.close()


def test_another_version_takes_the_place_of_the_old_one_at_once(
    built: Path, tmp_path: Path, photo: Path, browser: Any
) -> None:
    shutil.copytree(built, tmp_path / "dist")
    listed = tmp_path / "dist" / "styles.json"
    context = browser.new_context()
    with served(tmp_path / "dist", Cache_Control="max-age=600") as address:
        page = opened(context, address)
        choose(page, photo)
        about = json.loads(listed.read_text())
        program = tmp_path / "dist" / "styles" / "night.onnx"
        # Programs may end in what their readers pass over: a field of the model's description.
        program.write_bytes(program.read_bytes() + b"\x32\x01x")
        [night] = [one for one in about["programs"] if one["name"] == "night"]
        night["run"] |= {"bytes": program.stat().st_size, "address": "styles/night.onnx?2"}
        night["styles"][0]["title"] = "Another night"
        listed.write_text(json.dumps(about))
        page.reload()
        wait(page, "ready")
        assert "Another night" in page.inner_text("#styles")
        choose(page, photo)
        kept = page.evaluate(
            "caches.open(`faststyle files ${location.href}`).then((cache) => cache.keys())"
            ".then((keys) => keys.map(({ url }) => url))"
        )
        versions = [url.rpartition("?")[2] for url in kept if "/night.onnx" in url]
        assert versions == ["2"]
        page_files = page.evaluate(
            "caches.open(`faststyle page ${location.href}`).then((cache) => cache.keys())"
            ".then((keys) => keys.map(({ url }) => url))"
        )
        assert any(url.endswith("/main.js") for url in page_files)
        assert not any(url.endswith((".onnx", ".wasm")) for url in page_files), "kept once"
    context.close()


def test_a_full_disk_is_no_reason_to_stop(
    address: str, styles: dict[str, Path], photo: Path, browser: Any
) -> None:
    context = browser.new_context()
    page = opened(context, address, "Cache.prototype.put = () => Promise.reject(new Error('full'))")
    session = context.new_cdp_session(page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": address[:-1], "quotaSize": 1_000_000})
    choose(page, photo)
    assert is_right(page, styles, photo)
    context.close()


def test_what_is_being_fetched_goes_on_when_the_request_changes(
    address: str, photo: Path, context: Any
) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    held: list[Any] = []
    context.route(re.compile(r"threaded\.wasm"), lambda route: held.append(route))
    page = opened(context, address)
    page.set_input_files("#file", photo)
    while not held:
        page.wait_for_timeout(20)
    page.check("input[name=size][value='256']")
    page.wait_for_timeout(500)
    for route in held:
        route.continue_()
    wait(page, "done")
    assert sum("threaded.wasm" in url for url in asked) == 1


def test_it_needs_neither_offscreen_canvases_nor_bitmaps(
    address: str, styles: dict[str, Path], photo: Path, context: Any
) -> None:
    gone = "delete window.OffscreenCanvas; delete window.createImageBitmap;"
    page = opened(context, address, gone)
    choose(page, photo)
    assert is_right(page, styles, photo)


def test_no_file_has_an_ending_that_servers_do_not_know(built: Path) -> None:
    endings = {path.suffix for path in built.rglob("*") if path.is_file()}
    known = {".html", ".css", ".js", ".json", ".svg", ".jpg", ".txt", ".wasm", ".onnx"}
    assert endings <= {*known, ".webmanifest"}


def test_what_a_first_picture_costs_stays_within_the_budget(built: Path) -> None:
    page = sum(path.stat().st_size for path in built.iterdir() if path.suffix in (".js", ".css"))
    runtime = sum(path.stat().st_size for path in built.glob("ort.*"))
    assert page - runtime < 66_500
    assert (built / "ort-wasm-simd-threaded.wasm").stat().st_size < 15_000_000


def test_opened_from_a_file_or_without_javascript_it_says_what_it_needs(
    built: Path, address: str, browser: Any
) -> None:
    pages = []
    for where, javascript in ((built.as_uri() + "/index.html", True), (address, False)):
        pages.append(browser.new_context(java_script_enabled=javascript).new_page())
        pages[-1].goto(where)
    for page in pages:
        page.wait_for_selector("text=needs JavaScript, and a web server")  # it comes late
        assert page.is_hidden("#page")
        page.context.close()


def test_where_memory_ends_a_smaller_size_is_offered_and_works(
    address: str, make_photo: Callable[..., Path], tmp_path: Path, context: Any, built: Path
) -> None:
    stuck = "WebAssembly.Memory.prototype.grow = () => { throw new RangeError('full'); };"
    worker = (built / "worker.js").read_text()
    page = opened(context, address)
    where = re.compile(r"/worker\.js$")
    body = stuck + worker
    context.route(where, lambda route: route.fulfill(body=body, content_type="text/javascript"))
    page.check("input[name=size][value='1080']")
    page.set_input_files("#file", make_photo(tmp_path / "large.jpg", 1200, 1100))
    wait(page, "error")
    assert "too little memory" in page.inner_text("#status")
    context.unroute(where)
    page.click("#smaller")
    wait(page, "done")
    assert page.is_checked("input[name=size][value='512']")
    assert page.evaluate("document.querySelector('#after').height") == 512


def test_a_long_photo_is_bounded_by_both_sides(address: str, tmp_path: Path, context: Any) -> None:
    Image.new("RGB", (12_000, 400), "tan").save(tmp_path / "long.png")
    page = opened(
        context, address, "Object.defineProperty(navigator, 'deviceMemory', { value: 0.25 })"
    )
    choose(page, tmp_path / "long.png")
    width, height = page.evaluate("((c) => [c.width, c.height])(document.querySelector('#after'))")
    assert width * height <= 101_000
    assert width / height == pytest.approx(30, rel=0.05)


def test_a_transparent_photo_keeps_its_transparency_at_every_strength(
    address: str, tmp_path: Path, context: Any
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 80, 4), dtype=np.uint8)
    pixels[:20, :, 3], pixels[20:40, :, 3], pixels[40:, :, 3] = 0, 128, 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    page = opened(context, address)
    choose(page, tmp_path / "a.png")
    for strength in ("100", "50", "0"):
        page.fill("#strength", strength)
        found = saved(page, "a_night.png")
        assert (found[..., 3] == pixels[..., 3]).all()
        assert (np.abs(found[40:, :, :3] - pixels[40:, :, :3]).max() <= 1) == (strength == "0")


def test_what_is_no_picture_is_said_and_nothing_old_is_left(
    address: str, photo: Path, tmp_path: Path, context: Any
) -> None:
    (tmp_path / "a.png").write_text("hello")
    page = opened(context, address)
    choose(page, photo)
    page.set_input_files("#file", tmp_path / "a.png")
    wait(page, "error")
    assert "not a picture" in page.inner_text("#status")
    assert page.is_disabled("#save")
    assert page.is_hidden("#picture")


def test_after_the_first_visit_it_works_without_a_network(
    address: str, styles: dict[str, Path], photo: Path, browser: Any
) -> None:
    context = browser.new_context()
    page = opened(context, address)
    choose(page, photo)
    context.set_offline(True)
    page.reload()
    wait(page, "ready")
    assert page.evaluate("crossOriginIsolated"), "and by several threads"
    choose(page, photo)
    assert is_right(page, styles, photo)
    with page.expect_popup() as opened_beside:
        page.click("text=MIT license")
    opened_beside.value.wait_for_selector("text=Permission is hereby granted")
    context.close()


def test_it_says_how_much_is_fetched(address: str, photo: Path, browser: Any) -> None:
    context = browser.new_context()
    page = opened(context, address)
    page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    said = page.evaluate_handle(
        "(() => { const said = []; new MutationObserver(() => said.push("
        "document.querySelector('#doing').textContent)).observe("
        "document.querySelector('#doing'), { childList: true }); return said; })()"
    )
    choose(page, photo)
    texts = said.json_value()
    fetching = {
        text for text in texts if re.fullmatch(r"Fetching the painter: \S+ of 14\.2 MB", text)
    }
    assert len(fetching) > 3, "as it comes, and not at its end"
    context.close()


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious(
    address: str, photo: Path, tmp_path: Path, browser: Any, built: Path, size: str
) -> None:
    context = browser.new_context(viewport=SIZES[size], bypass_csp=True, service_workers="block")
    page = opened(context, address)
    page.add_script_tag(path=built.parent / "node_modules/axe-core/axe.min.js")

    def check() -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("axe.run().then(({ violations }) => violations)")
            serious = [one for one in found if one["impact"] in ("serious", "critical")]
            assert [(scheme, one["id"], one["nodes"][0]["html"]) for one in serious] == []

    check()
    context.route(re.compile(r"threaded\.wasm"), lambda route: route.continue_())
    page.set_input_files("#file", photo)
    wait(page, "busy")
    check()
    wait(page, "done")
    page.click("text=Mix styles")
    page.click("#brushing summary")
    check()
    (tmp_path / "a.png").write_text("hello")
    page.set_input_files("#file", tmp_path / "a.png")
    wait(page, "error")
    check()
    context.close()


def test_axe_finds_nothing_serious_in_the_demo(
    styles: dict[str, Path], photo: Path, browser: Any, built: Path
) -> None:
    context = browser.new_context(bypass_csp=True)
    workshop = WorkerPool([str(path) for path in styles.values()], {"device": "cpu"})
    with running(build(workshop)) as address:
        page = opened(context, address)
        page.add_script_tag(path=built.parent / "node_modules/axe-core/axe.min.js")
        choose(page, photo)
        found = page.evaluate("axe.run().then(({ violations }) => violations)")
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    context.close()
