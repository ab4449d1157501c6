"""What several tests need: a small encoder, pictures, and a server on the loopback address."""

from __future__ import annotations

import functools
import gc
import http.server
import os
import random
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:  # the process that only hands tests out starts seconds sooner without torch
    from faststyle.core.registry import Registry
    from faststyle.encoder import VGGEncoder

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


#: Of every test; another one shows whether tests pass by luck.
SEED = int(os.environ.get("FASTSTYLE_TEST_SEED", "0"))

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of many slow tests come first, so that processes that share them end together."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported, since it stays."""
    gc.freeze()


def _seed() -> None:
    import numpy as np
    import torch

    random.seed(SEED)
    np.random.seed(SEED)  # libraries draw from it
    torch.manual_seed(SEED)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test draws the same numbers, whichever ran before it."""
    _seed()


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are computed in float32, whatever the CPU is fast at."""
    monkeypatch.setattr("faststyle.stylize.passes.cpu_has_bf16", lambda: False)


@pytest.fixture
def register() -> Iterator[Callable[..., Any]]:
    """Enter classes in registries by their decorator, for one test."""
    entered: list[tuple[Registry[Any], str]] = []

    def enter(registry: Registry[Any], name: str) -> Callable[[type], type]:
        entered.append((registry, name))
        return registry.register(name)

    yield enter
    for registry, name in entered:
        del registry[name]


@pytest.fixture(scope="session")
def encoder() -> VGGEncoder:
    from faststyle.encoder import VGGEncoder

    _seed()
    return VGGEncoder("vgg11", "random")


@pytest.fixture
def real_vgg19() -> Path:
    """The weights of the development data, which are not part of the project."""
    path = SHARED / "vgg19_features_fp16.pth"
    if not path.exists():
        pytest.skip(f"the real VGG-19 weights are absent: {path}")
    return path


@pytest.fixture(scope="session")
def make_photo() -> Callable[..., Path]:
    """Write a picture of smooth random colors and return its path."""
    import numpy as np
    from PIL import Image

    def make(path: Path, width: int = 48, height: int = 40, seed: int = 0) -> Path:
        coarse = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path)
        return path

    return make


@pytest.fixture
def photo_folder(tmp_path: Path, make_photo: Callable[..., Path]) -> Path:
    folder = tmp_path / "photos"
    for seed in range(6):
        make_photo(folder / f"{seed}.jpg", seed=seed)
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve a folder over HTTP on 127.0.0.1; returns the address."""
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Tests are quiet."""

    def start(folder: Path) -> str:
        handler = functools.partial(Quiet, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Find ports of the loopback address that nobody listens on."""

    def find() -> int:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return int(free.getsockname()[1])

    return find


@pytest.fixture
def upload(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], str]]:
    """Put a folder on a real server that speaks S3; returns the address."""
    server_module = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    server = server_module.ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    storage = s3fs.S3FileSystem()

    def put(folder: Path) -> str:
        bucket = f"photos-{uuid.uuid4()}"
        storage.mkdir(bucket)
        storage.put(f"{folder}/", f"{bucket}/coco/", recursive=True)
        return f"s3://{bucket}/coco"

    yield put
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty Hugging Face Hub (tests.hub.Hub), which is taken for the real one, and no cache."""
    constants = pytest.importorskip("huggingface_hub.constants")
    from faststyle.styles.hub import fetch_style
    from tests.hub import Hub

    server = Hub()
    home = tmp_path / "huggingface"
    settings = {
        "HF_ENDPOINT": server.address,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_HUB_DISABLE_XET": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)  # for commands, and here, where it was imported already:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    template = server.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", settings["HF_HUB_CACHE"])
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    fetch_style.cache_clear()
    yield server
    server.stop()
    fetch_style.cache_clear()
