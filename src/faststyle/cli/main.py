"""From the command line to the command."""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import faststyle
from faststyle.cli.arguments import add_arguments, call
from faststyle.cli.table import ALIASES, COMMANDS, TASKS, Command
from faststyle.core.errors import UserError, nearest, needs_extra, report_errors
from faststyle.core.version import __version__


def main(name: str | None = None) -> None:
    """Run a command of the table: ``name``, or else the first word of the command line.

    The ``faststyle`` command and ``python -m faststyle`` name none; two scripts name theirs.
    Whatever the user can put right ends in one line and exit status 2.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files hold what a terminal, or UTF-8, does not know.
            stream.reconfigure(errors="backslashreplace")
    with report_errors():
        arguments = sys.argv[1:]
        if name is not None:
            _run(name, arguments, Path(sys.argv[0]).name)
        elif not arguments or arguments[0] in ("-h", "--help"):
            print(overview())
        elif arguments[0] == "--version":
            print(f"faststyle {__version__}")
        else:
            _run(arguments[0], arguments[1:], f"faststyle {arguments[0]}")


def overview() -> str:
    """What ``faststyle --help`` shows: every command and what it does."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:{width}}{command.does}" for name, command in COMMANDS.items()]
    return "\n".join(
        (
            "usage: faststyle COMMAND ...",
            "",
            "Fast neural style transfer: train a style, stylize photos and clips.",
            "",
            *lines,
            "",
            "faststyle COMMAND --help says more. An example:",
            "  faststyle stylize --ckpt starry_night photo.jpg",
        )
    )


def load(name: str, command: Command) -> Callable[..., object]:
    """The function of a command of the table, which Hydra does not compose."""
    module, _, function = (command.at or f"faststyle.cli.{name}:{name}").partition(":")
    loaded: Callable[..., object] = getattr(importlib.import_module(module), function)
    return loaded


def _run(name: str, arguments: Sequence[str], prog: str) -> None:
    name = ALIASES.get(name, name)
    if name == "train":
        name, arguments = _of_task(arguments)
    if name not in COMMANDS:
        raise UserError(f'unknown command "{name}": {nearest(name, COMMANDS)}')
    command = COMMANDS[name]
    if command.clone:
        _reach_clone(name, command)
    with needs_extra(command.extra):
        if command.at and command.config:
            from faststyle.config.command import launch

            launch(command.at, command.config, name, arguments)
            return
        function = load(name, command)
        parser = argparse.ArgumentParser(prog=prog, description=command.does)
        add_arguments(parser, function)
        call(function, parser.parse_args(arguments))


def _reach_clone(name: str, command: Command) -> None:
    """Let this process, and those that it starts, import what lies beside ``src``."""
    clone = Path(faststyle.__file__).resolve().parents[2]
    package = str(command.at).partition(".")[0]
    if not (clone / package / "__init__.py").is_file():
        extra = f'pip install -e ".[{command.extra}]"'
        raise UserError(f"faststyle {name} is for a clone, with {extra}")
    sys.path.insert(0, str(clone))
    known = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{clone}{os.pathsep}{known}" if known else str(clone)


def _of_task(arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The command that trains what ``task=`` says, and the other arguments."""
    tasks = [each.removeprefix("task=") for each in arguments if each.startswith("task=")]
    if not tasks:
        return "train", arguments
    if tasks[-1] not in TASKS:
        raise UserError(f'unknown task "{tasks[-1]}": {nearest(tasks[-1], TASKS)}')
    return TASKS[tasks[-1]], [each for each in arguments if not each.startswith("task=")]
