"""Every command in the pages for readers is one that faststyle understands."""

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from faststyle.cli.arguments import add_arguments
from faststyle.cli.main import load
from faststyle.cli.table import COMMANDS
from faststyle.config.compose import compose_config
from tests.places import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def _commands(page: Path) -> Iterator[list[str]]:
    """The words of each command line of faststyle's, without its comment."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    for language, block in blocks:
        for line in () if language else block.replace("\\\n", " ").splitlines():
            if found := re.match(r"(uv run .*|torchrun .*-m )?faststyle (.*)", line):
                yield shlex.split(re.sub(r"\s#.*", "", found[2]))


GIVEN = [(page.name, words) for page in PAGES for words in _commands(page)]


def test_the_pages_show_nearly_every_command() -> None:
    shown = {words[0] for _, words in GIVEN if words}
    assert set(COMMANDS) - {"info"} <= shown


@pytest.mark.parametrize(
    "words",
    [words for _, words in GIVEN],
    ids=[f"{page} {' '.join(words)[:60]}" for page, words in GIVEN],
)
def test_a_command_on_a_page_is_understood(words: list[str]) -> None:
    name, *arguments = words
    if name in ("COMMAND", "--help", "..."):
        return
    command = COMMANDS[name]
    if command.config:
        _compose(command.config, arguments)
        return
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser, load(name, command))
    parser.parse_args(arguments)


def _compose(config: str, arguments: list[str]) -> None:
    overrides = [text for text in arguments if not text.startswith("-")]
    if "-m" in arguments:  # the first of each list; of one in a file, its name
        overrides = [text.split(",")[0].replace("=@", "=") for text in overrides]
    compose_config(config, overrides)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
            assert anchor in anchors, target
