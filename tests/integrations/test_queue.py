import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.places import ROOT

pytest.importorskip("huey")

WORKER = ROOT / "integrations" / "queue" / "worker.py"


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, whose tasks run where they are queued."""
    monkeypatch.setenv("FASTSTYLE_QUEUE", str(tmp_path / "queue.db"))
    spec = importlib.util.spec_from_file_location("integrations_worker", WORKER)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.huey.immediate = True
    return module


def test_a_queued_photo_is_stylized(
    worker: Any, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    photo, result = make_photo(tmp_path / "a.png"), tmp_path / "b.png"
    waiting = worker.stylize(str(photo), str(result), style="starry_night_small", size=20)
    assert waiting.get() == {"file": str(result)}
    assert Image.open(result).size == (24, 20)


def test_what_cannot_be_is_said_in_one_line_and_the_worker_goes_on(
    worker: Any, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    photo = make_photo(tmp_path / "a.png")
    before = photo.read_bytes()
    for given, result, style, said in (
        (tmp_path / "absent.png", tmp_path / "b.png", "starry_night_small", "no such picture"),
        (photo, photo, "starry_night_small", "is an input, and would be written over"),
        (photo, tmp_path / "b.png", "nowhere", 'no style "nowhere"'),
        (photo, tmp_path / "b.xyz", "starry_night_small", "b.xyz"),
    ):
        assert said in worker.stylize(str(given), str(result), style=style).get()["error"]
    assert photo.read_bytes() == before
    assert [path.name for path in tmp_path.glob("*.*") if path.suffix != ".db"] == ["a.png"]


@pytest.mark.slow
def test_a_worker_in_a_process_of_its_own_serves_another(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    photo, result = make_photo(tmp_path / "a.png"), tmp_path / "b.png"
    environment = os.environ | {"FASTSTYLE_QUEUE": str(tmp_path / "queue.db")}
    consumer = [str(Path(sys.executable).with_name("huey_consumer")), "worker.huey"]
    application = (
        "import sys; from worker import stylize;"
        " print(stylize(*sys.argv[1:], style='starry_night_small').get(blocking=True, timeout=100))"
    )
    serving = subprocess.Popen(consumer, cwd=WORKER.parent, env=environment)
    try:
        asked = subprocess.run(
            [sys.executable, "-c", application, str(photo), str(result)],
            cwd=WORKER.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
        )
    finally:
        serving.terminate()
        serving.wait(60)
    assert asked.stdout.strip() == str({"file": str(result)}), asked.stderr
    assert Image.open(result).size == Image.open(photo).size
