"""The command that leads to all others."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import faststyle
from faststyle.cli import main
from faststyle.cli.table import COMMANDS, Command
from faststyle.networks import TransformNetwork
from faststyle.styles import TrainedStyle, write_style
from tests.commands import command, run_command


def run(*words: str) -> subprocess.CompletedProcess[str]:
    started = [sys.executable, "-m", "faststyle", *words]
    return subprocess.run(started, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_without_a_command_all_are_listed(words: tuple[str, ...]) -> None:
    shown = run(*words)
    assert (shown.returncode, shown.stderr) == (0, "")
    listed = re.findall(r"^  (\S+)  ", shown.stdout, re.MULTILINE)
    assert listed == list(COMMANDS)


def test_the_list_imports_no_library() -> None:
    code = (
        "import sys; from faststyle.cli.main import overview; overview();"
        "print({'torch', 'numpy', 'hydra', 'PIL', 'requests'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


def test_it_knows_its_version() -> None:
    assert run("--version").stdout == f"faststyle {faststyle.__version__}\n"


def test_the_installed_program_is_the_same() -> None:
    shown = subprocess.run(command("--version"), capture_output=True, text=True, check=True)
    assert shown.stdout == f"faststyle {faststyle.__version__}\n"


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    shown = run("stylise")
    expected = 'error: unknown command "stylise": did you mean "stylize"?\n'
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", expected)


def test_infer_is_another_name_of_stylize() -> None:
    shown = run_command("infer", "--help")
    assert shown.stdout.startswith("usage: faststyle infer ")
    assert COMMANDS["stylize"].does in shown.stdout


def test_a_missing_package_is_one_line_that_says_which_extra_brings_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = Command("Does something.", "no_such_package.module", "demo")
    monkeypatch.setattr(main, "COMMANDS", {"something": elsewhere})
    monkeypatch.setattr(sys, "argv", ["faststyle", "something"])
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "error: No module named 'no_such_package': pip install \"faststyle[demo]\"",
    ]


def test_a_library_that_comes_always_but_does_not_load_is_not_blamed_on_an_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_name: str) -> None:
        raise ImportError("libtorch.so: cannot open shared object file", name="torch")

    monkeypatch.setattr(importlib, "import_module", broken)
    monkeypatch.setattr(main, "COMMANDS", {"something": Command("Does.", "a.module", "video")})
    monkeypatch.setattr(sys, "argv", ["faststyle", "something"])
    with pytest.raises(ImportError, match="libtorch"):
        main.main()


def test_a_mistake_of_ours_in_an_import_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = Command("Does something.", "faststyle.no_such_module", "demo")
    monkeypatch.setattr(main, "COMMANDS", {"something": broken})
    monkeypatch.setattr(sys, "argv", ["faststyle", "something"])
    with pytest.raises(ModuleNotFoundError):
        main.main()


def test_nobody_has_to_listen_to_the_end() -> None:
    words = [sys.executable, "-m", "faststyle", "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (0, 141)


def test_names_that_a_terminal_does_not_know_are_shown_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "M\u00fcller.safetensors"
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), path)
    photo = tmp_path / os.fsdecode(b"b\xe6r.png")
    Image.new("RGB", (32, 32)).save(photo)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    started = command("stylize", "--ckpt", str(path), str(photo))
    shown = subprocess.run(started, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\\udce6" in shown.stdout
