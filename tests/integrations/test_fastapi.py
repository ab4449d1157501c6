import importlib.util
import io
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faststyle import Stylizer
from tests.places import ROOT

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    """The module, as ``uvicorn --app-dir`` imports it."""
    path = ROOT / "integrations" / "fastapi" / "app.py"
    spec = importlib.util.spec_from_file_location("integrations_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def client(app: Any) -> TestClient:
    return TestClient(app.app)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def photo(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (4, 4, 4), dtype=np.uint8)
    image = Image.fromarray(pixels, "RGBA").resize((width, height), Image.Resampling.BICUBIC)
    return image.convert(mode)


def ask(client: TestClient, content: bytes, **wish: Any) -> Any:
    return client.post("/stylize", content=content, params={"style": "starry_night_small"} | wish)


def test_a_photo_comes_back_stylized(client: TestClient) -> None:
    answer = ask(client, encoded(photo()))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    expected = np.asarray(Stylizer.load("starry_night_small")(photo()))
    found = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("image", "size", "expected"),
    [
        (photo(64, 48), 24, (32, 24)),
        (photo(1, 1), 512, (1, 1)),
        (photo(300, 2), 512, (300, 2)),
        (photo(mode="L"), 512, (64, 48)),
    ],
)
def test_pictures_of_any_size_are_never_enlarged(
    client: TestClient, image: Image.Image, size: int, expected: tuple[int, int]
) -> None:
    answer = ask(client, encoded(image), size=size)
    assert answer.status_code == 200, answer.text
    assert Image.open(io.BytesIO(answer.content)).size == expected


def test_transparency_stays(client: TestClient) -> None:
    image = photo(mode="RGBA")
    result = Image.open(io.BytesIO(ask(client, encoded(image)).content))
    assert result.mode == "RGBA"
    assert np.array_equal(np.asarray(result)[..., 3], np.asarray(image)[..., 3])


def test_of_an_animation_the_first_picture_is_stylized(client: TestClient) -> None:
    frames = [photo(), photo().rotate(90), photo().rotate(180)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    answer = ask(client, content)
    result = Image.open(io.BytesIO(answer.content))
    assert (answer.status_code, result.size, getattr(result, "n_frames", 1)) == (200, (64, 48), 1)


@pytest.mark.parametrize("content", [b"", b"no picture", encoded(photo())[:90]])
def test_what_is_no_picture_is_one_line(client: TestClient, content: bytes) -> None:
    answer = ask(client, content)
    assert answer.status_code == 422
    assert "the photo is" in answer.json()["detail"]
    assert "tmp" not in answer.text


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"style": "nowhere"}, 404),
        ({"style": "/etc/passwd"}, 404),
        ({"style": "hf:owner/name"}, 404),
        ({"style": str(ROOT / "checkpoints" / "starry_night.safetensors")}, 404),
        ({"strength": 2}, 422),
        ({"strength": "nan"}, 422),
        ({"size": 0}, 422),
        ({"size": 5000}, 422),
    ],
)
def test_other_wishes_are_refused(client: TestClient, wish: dict[str, Any], status: int) -> None:
    assert ask(client, encoded(photo()), **wish).status_code == status


def test_large_files_are_refused_while_they_come(client: TestClient, app: Any) -> None:
    sent = []

    def chunks() -> Iterator[bytes]:
        for number in range(100):
            sent.append(number)
            yield bytes(1_000_000)

    answer = client.post("/stylize", content=chunks())
    assert answer.status_code == 413
    assert f"larger than {app.MAX_BYTES:,} bytes" in answer.json()["detail"]


def test_large_pictures_in_small_files_are_refused(client: TestClient) -> None:
    bomb = encoded(Image.new("1", (6000, 6000)))
    assert len(bomb) < 10_000
    answer = ask(client, bomb)
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("the photo: 6000 x 6000 is too large a picture")


def test_long_and_thin_ones_are_refused_too(client: TestClient) -> None:
    answer = ask(client, encoded(Image.new("1", (30_000, 600))), size=512)
    assert answer.status_code == 422
    assert "Traceback" not in answer.text


def test_nobody_waits_behind_many(
    client: TestClient, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "MAX_WAITING", 0)
    answer = ask(client, encoded(photo()))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")


def test_photos_are_worked_at_one_at_a_time(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most = 0, 0

    def work(*_: Any) -> bytes:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.05)
        at_work -= 1
        return b""

    monkeypatch.setattr(app, "_work", work)
    with TestClient(app.app) as client, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask(client, b""), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert most == 1
