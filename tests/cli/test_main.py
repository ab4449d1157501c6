"""The command that leads to all others."""

import re
import subprocess
import sys

import pytest

import faststyle
from faststyle.cli import main
from faststyle.cli.table import COMMANDS, Command
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


def test_a_mistake_of_ours_in_an_import_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = Command("Does something.", "faststyle.no_such_module", "demo")
    monkeypatch.setattr(main, "COMMANDS", {"something": broken})
    monkeypatch.setattr(sys, "argv", ["faststyle", "something"])
    with pytest.raises(ModuleNotFoundError):
        main.main()
