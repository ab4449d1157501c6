import signal
import socket
import time
from pathlib import Path

import pytest
import requests

from faststyle.networks import TransformNetwork
from faststyle.styles import TrainedStyle, write_style
from tests.commands import run_command, start_command

pytest.importorskip("starlette")


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("styles") / "night.safetensors"
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), path)
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_serves_the_page_until_it_is_interrupted(style: Path, host: str) -> None:
    port = _free_port()
    started = start_command("demo", "--ckpt", style, "--host", host, "--port", str(port))
    address = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    deadline = time.monotonic() + 60
    while True:
        try:
            about = requests.get(f"{address}styles.json", timeout=10).json()
            break
        except requests.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert [program["name"] for program in about["programs"]] == ["night"]
    started.send_signal(signal.SIGINT, group=True)
    ended = started.wait(30)
    assert f"{address} (Ctrl-C ends it)" in ended.stdout
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--port", "70000"), "--port is 70000; it must lie between 1 and 65535"),
        (("--host", "no.such.host.invalid"), "cannot listen on no.such.host.invalid"),
        (("--device", "toaster"), 'device "toaster" is not to be had here'),
        (("--ckpt", "missing.safetensors"), "missing.safetensors"),
    ],
)
def test_what_cannot_be_served_is_said_before(
    style: Path, arguments: tuple[str, str], problem: str
) -> None:
    done = run_command("demo", "--ckpt", style, *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert problem in done.stderr


def test_a_port_that_is_taken_is_said(style: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_command("demo", "--ckpt", style, "--port", str(port))
    assert (done.returncode, f"port {port}" in done.stderr) == (2, True)
