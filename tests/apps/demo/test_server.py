import concurrent.futures
import http.server
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image, ImageCms

from faststyle.apps.demo import uploads
from faststyle.apps.demo.request_queue import MAX_EACH
from faststyle.images.files import load_picture_bytes
from faststyle.images.pillow import to_pil
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.stylizer import Stylizer
from tests.apps.demo.conftest import Visitor, picture_of

Wishes = dict[str, Any]


@pytest.fixture
def photo(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    return make_photo(tmp_path / "a.png", 160, 128)


def difference(answer: requests.Response, photo: Path, style: str, size: int = 128) -> int:
    """From what the command writes, in gray levels; transparency counts, too."""
    options = RenderOptions(size=size)
    [picture] = Stylizer.load(style, device="cpu").process([load_picture_bytes(photo)], options)
    expected = to_pil(picture.pixels)
    if picture.alpha is not None:
        expected.putalpha(to_pil(picture.alpha))
    found = picture_of(answer)
    assert (found.mode, found.size) == (expected.mode, expected.size)
    return int(np.abs(np.asarray(found).astype(int) - np.asarray(expected)).max())


def test_twenty_visitors_at_once_are_each_answered(
    visitor: Visitor, styles: list[str], photo: Path
) -> None:
    chosen = [index % 2 for index in range(20)]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        names = ("night", "wave")
        answers = list(pool.map(lambda style: visitor.stylize(photo, names[style]), chosen))
    for style, answer in zip(chosen, answers, strict=True):
        assert difference(answer, photo, styles[style]) <= 1, "but for rounding"


def test_the_styles_of_a_file_are_mixed_beside_other_visitors(
    visitor: Visitor, styles: list[str], photo: Path
) -> None:
    several = styles[2].removesuffix(":night")
    mixtures: list[dict[str, float]] = [
        {"night": 0.5, "wave": 0.25},
        {"wave": 1},
        {"night": 80},
    ] * 2
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        beside = pool.submit(visitor.stylize, photo, "night")
        answers = pool.map(lambda mixture: visitor.stylize(photo, "all", mixture=mixture), mixtures)
        for mixture, answer in zip(mixtures, answers, strict=True):
            parts = ",".join(f"{name}={part}" for name, part in mixture.items())
            assert difference(answer, photo, f"{several}:{parts}") <= 1
        assert difference(beside.result(), photo, styles[0]) <= 1


def test_a_painting_of_the_visitor_is_painted_like(
    visitor: Visitor, photo: Path, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    painting = make_photo(tmp_path / "painting.png", 90, 80)
    names = {"photo": visitor.upload(photo), "painting": visitor.upload(painting)}
    answer = visitor.get(visitor.submit(**names, size=128).json()["picture"])
    stylizer = Stylizer.load("any", device="cpu").painting(Image.open(painting))
    expected = np.asarray(stylizer(Image.open(photo))).astype(int)
    found = np.asarray(picture_of(answer)).astype(int)
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize(
    ("size", "color", "problem"),
    [((90, 20), "red", "is too small to paint like"), ((90, 80), "red", "is of one color")],
)
def test_a_painting_without_strokes_is_explained(
    visitor: Visitor, photo: Path, tmp_path: Path, size: tuple[int, int], color: str, problem: str
) -> None:
    Image.new("RGB", size, color).save(tmp_path / "painting.png")
    names = {
        "photo": visitor.upload(photo),
        "painting": visitor.upload(tmp_path / "painting.png"),
    }
    answer = visitor.get(visitor.submit(**names, size=128).json()["picture"])
    assert answer.status_code == 422
    assert problem in answer.json()["error"]


def test_a_painting_that_is_not_here_is_asked_for_again(visitor: Visitor, photo: Path) -> None:
    answer = visitor.submit(photo=visitor.upload(photo), painting="absent", size=128)
    assert answer.status_code == 410


def test_transparency_and_colors_are_those_of_the_command(
    visitor: Visitor, styles: list[str], tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (128, 130, 4), dtype=np.uint8)
    pixels[:40, :, 3] = 0
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    answer = visitor.stylize(tmp_path / "a.png", "night")
    assert difference(answer, tmp_path / "a.png", styles[0]) <= 1
    assert picture_of(answer).info["icc_profile"] == profile


def test_a_photo_is_never_enlarged_and_a_long_one_is_bounded(
    visitor: Visitor, tmp_path: Path
) -> None:
    Image.new("RGB", (140, 100)).save(tmp_path / "small.png")
    assert picture_of(visitor.stylize(tmp_path / "small.png", "night", size=1080)).size == (
        140,
        100,
    )
    Image.new("RGB", (20_000, 1_000)).save(tmp_path / "long.png")
    width, height = picture_of(visitor.stylize(tmp_path / "long.png", "night", size=1000)).size
    assert width * height <= 2_500_000
    assert width / height == pytest.approx(20, rel=0.01)
    Image.new("RGB", (25_000, 1)).save(tmp_path / "line.png")
    assert picture_of(visitor.stylize(tmp_path / "line.png", "night", size=512)).size == (25_000, 1)


def test_the_photos_of_large_phones_are_taken(visitor: Visitor, tmp_path: Path) -> None:
    Image.new("RGB", (8064, 6048), "tan").save(tmp_path / "a.jpg")
    assert min(picture_of(visitor.stylize(tmp_path / "a.jpg", "night")).size) == 128


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bomb.png", "more than 25 megapixels"),
        ("text.png", "not a photo that can be read"),
        ("cut.png", "not a photo that can be read"),
        ("empty.png", "not a photo that can be read"),
        ("program.eps", "not a photo that can be read"),
    ],
)
def test_what_is_no_photo_is_refused_in_words_for_visitors(
    visitor: Visitor, photo: Path, tmp_path: Path, name: str, words: str
) -> None:
    path = tmp_path / name
    if name == "bomb.png":
        Image.new("L", (6000, 5000)).save(path)
    contents = {
        "text.png": b"hello",
        "cut.png": photo.read_bytes()[:3000],
        "empty.png": b"",
        "program.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    }
    if name in contents:
        path.write_bytes(contents[name])
    answer = visitor.stylize(path, "night")
    assert answer.status_code == 422
    problem = answer.json()["error"]
    assert words in problem
    assert not re.search(r"/|--|pip", problem), "nothing of the server's paths or flags"


def test_a_file_that_is_too_large_is_refused_and_not_kept(visitor: Visitor) -> None:
    data = bytes(uploads.MAX_BYTES + 1)
    answer = requests.post(f"{visitor.address}photos", data=data, timeout=60)
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        "This file is too large: over 20 MB.",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"size": 100_000},
        {"size": "large"},
        {"size": float("nan")},
        {"size": float("inf")},
        {"program": "/etc/passwd"},
        {"program": "all", "mixture": {}},
        {"program": "all", "mixture": {"night": 0}},
        {"program": "all", "mixture": {"night": -1}},
        {"program": "all", "mixture": {"night": float("inf")}},
        {"program": "all", "mixture": {"unknown": 1}},
        {"program": "all", "mixture": {"night": 10**400}},
        {"program": "all", "mixture": [1]},
        {"program": "night", "mixture": {"night": 1}},
    ],
)
def test_what_the_page_does_not_offer_is_refused(
    visitor: Visitor, photo: Path, change: Wishes
) -> None:
    wanted = {"photo": visitor.upload(photo), "program": "night", "size": 128} | change
    answer = requests.post(f"{visitor.address}pictures", data=json.dumps(wanted), timeout=60)
    if answer.status_code == 202:
        answer = visitor.get(answer.json()["picture"])
    assert answer.status_code == 422, answer.text
    assert "/" not in answer.json()["error"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"3", b'{"photo": 3', b"[" * 9000, b" " * 20_000]
)
def test_a_request_that_is_not_understood_is_refused(visitor: Visitor, body: bytes) -> None:
    answer = requests.post(f"{visitor.address}pictures", data=body, timeout=60)
    assert answer.status_code == 422, answer.text


def test_photos_and_requests_that_are_gone_are_said_to_be(visitor: Visitor) -> None:
    assert visitor.submit(photo="unknown", program="night", size=128).status_code == 410
    assert visitor.look("unknown").status_code == 410


def test_too_many_requests_of_one_visitor_are_refused_and_who_leaves_frees_a_place(
    visitor: Visitor, photo: Path
) -> None:
    answers = [
        visitor.submit(photo=visitor.upload(photo), program="night", size=128)
        for _ in range(MAX_EACH + 3)
    ]
    # What is done stays until it is taken, so that it can be sent again.
    assert [answer.status_code for answer in answers] == [202] * MAX_EACH + [422] * 3
    assert answers[-1].json()["remedy"] == "again"
    for answer in answers[:MAX_EACH]:
        picture = answer.json()["picture"]
        requests.delete(f"{visitor.address}pictures/{picture}", timeout=60)
    assert visitor.stylize(photo, "night").status_code == 200


def test_a_picture_can_be_fetched_again(visitor: Visitor, photo: Path) -> None:
    wanted = {"photo": visitor.upload(photo), "program": "night", "size": 128}
    name = visitor.submit(**wanted).json()["picture"]
    first = visitor.wait(name)
    assert visitor.look(name).content == first.content
    requests.delete(f"{visitor.address}pictures/{name}", timeout=60)
    assert visitor.look(name).status_code == 410


def test_a_photo_that_is_gone_while_its_request_waits_is_said_to_be(
    visitor: Visitor, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, wanted = visitor.upload(photo), visitor.upload(photo)
    monkeypatch.setattr(uploads, "KEPT", -1.0)  # the server deletes all at the next second
    time.sleep(1.5)
    answer = visitor.submit(photo=wanted, program="night", size=128)
    assert answer.status_code == 410, slow


def test_other_pages_cannot_ask_in_the_name_of_their_visitors(
    visitor: Visitor, photo: Path
) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    answer = requests.post(
        f"{visitor.address}photos", data=photo.read_bytes(), headers=foreign, timeout=60
    )
    assert answer.status_code == 422


def test_a_request_that_breaks_off_leaves_no_traceback(
    visitor: Visitor, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = visitor.address.removeprefix("http://").rstrip("/").split(":")
    for path in ("photos", "pictures"):
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nabc"
            connection.sendall(head.encode())
    assert visitor.stylize(photo, "night").status_code == 200
    assert caplog.records == []


@pytest.mark.parametrize(
    "path",
    [
        "etc/passwd",
        "../server.py",
        "%2e%2e/server.py",
        "..%2fdemo/work.py",
        "/etc/passwd",
        "photos",
    ],
)
def test_no_file_of_the_server_can_be_read(visitor: Visitor, path: str) -> None:
    request = requests.Request("GET", visitor.address).prepare()
    request.url = visitor.address + path  # as it is: requests would shorten it
    answer = requests.Session().send(request, timeout=60)
    assert answer.status_code in (404, 405)


def test_the_page_does_not_let_others_guess_its_contents(visitor: Visitor) -> None:
    answer = requests.get(visitor.address, timeout=60)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in answer.text


def test_a_path_without_its_slash_leads_to_the_page(visitor: Visitor) -> None:
    answer = requests.get(f"{visitor.address}paint", allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.headers["Location"]) == (307, "paint/")
    assert "faststyle" in requests.get(f"{visitor.address}paint", timeout=60).text


@pytest.fixture(params=["stripped", "handed on"])
def proxy(request: pytest.FixtureRequest, address: str) -> Iterator[str]:
    """A proxy that ends TLS, under /paint/, and hands that on or not."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            prefix = "/paint/"
            if not self.path.startswith(prefix):
                self.send_error(404)
                return
            path = self.path.removeprefix(prefix if request.param == "stripped" else "/")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/paint"}
            answer = requests.request(
                self.command, address + path, data=body, headers=headers, timeout=60
            )
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Content-Length"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/paint/"
        server.shutdown()


def test_it_works_behind_a_proxy_under_a_path(
    proxy: str, styles: list[str], photo: Path, profile: Any
) -> None:
    assert difference(Visitor(proxy).stylize(photo, "night"), photo, styles[0]) <= 1
    page = profile.pages[0]
    page.goto(proxy)
    page.wait_for_selector("#status[data-state=ready]")
    page.set_input_files("#file", photo)
    page.wait_for_selector("#status[data-state=done]")
