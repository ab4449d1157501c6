import asyncio
import concurrent.futures
import io
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
import torch
from PIL import Image

from faststyle.networks import TransformNetwork
from faststyle.styles import TrainedStyle, write_style
from tests.several import several_styles

pytest.importorskip("starlette")
import uvicorn

from faststyle.apps.demo.server import build
from faststyle.apps.demo.worker import WorkerPool

T = TypeVar("T")


@pytest.fixture(scope="session")
def styles(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two files of one style, night and wave, and one of both, all."""
    folder, paths = tmp_path_factory.mktemp("styles"), []
    for seed, name in enumerate(("night", "wave")):
        torch.manual_seed(seed)
        path = folder / f"{name}.safetensors"
        write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), path)
        paths.append(str(path))
    several = folder / "all.safetensors"
    write_style(several_styles(), several)
    return [*paths, f"{several}:night", f"{several}:wave"]


@contextmanager
def running(app: Any) -> Iterator[str]:
    """Serve ``app`` in a thread; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def address(styles: list[str]) -> Iterator[str]:
    with running(build(WorkerPool(styles, {"device": "cpu"}), root_path="/paint")) as where:
        yield where


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """In a thread: Playwright has a loop of its own in this one, once a browser is open."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result()


class Clock:
    """In place of the time."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Visitor:
    """Asks the server as the page does."""

    address: str

    def upload(self, file: Path | bytes) -> str:
        content = file if isinstance(file, bytes) else file.read_bytes()
        answer = requests.post(f"{self.address}photos", data=content, timeout=60)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["photo"])

    def submit(self, **wanted: Any) -> requests.Response:
        return requests.post(f"{self.address}pictures", json=wanted, timeout=60)

    def look(self, picture: str) -> requests.Response:
        return requests.get(f"{self.address}pictures/{picture}", timeout=60)

    def wait(self, picture: str) -> requests.Response:
        while (answer := self.look(picture)).status_code == 202:
            time.sleep(0.02)
        return answer

    def get(self, picture: str) -> requests.Response:
        """As the page does, which says when it has it."""
        answer = self.wait(picture)
        requests.delete(f"{self.address}pictures/{picture}", timeout=60)
        return answer

    def stylize(self, file: Path | bytes, program: str, **more: Any) -> requests.Response:
        wanted = {"photo": self.upload(file), "program": program, "size": 128} | more
        return self.get(self.submit(**wanted).json()["picture"])


@pytest.fixture
def visitor(address: str) -> Visitor:
    return Visitor(address)


def picture_of(answer: requests.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))
