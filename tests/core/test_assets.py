from email.message import Message
from importlib import metadata

import pytest

from faststyle.core.assets import bundled_file, project_address


def test_what_ships_is_found() -> None:
    assert bundled_file("flow_field.png").is_file()
    assert not bundled_file("nothing.png").exists()


def test_the_project_is_where_the_first_of_its_urls_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Message()
    monkeypatch.setattr(metadata, "metadata", lambda _: told)
    assert project_address() is None
    told["Project-URL"] = "Repository, https://example.org/faststyle"
    told["Project-URL"] = "Changelog, https://example.org/changes"
    assert project_address() == "https://example.org/faststyle"
