from pathlib import Path

import pytest

from faststyle.core.errors import UserError

pytest.importorskip("huggingface_hub")
from huggingface_hub import close_session

from faststyle.styles.hub import fetch_style, publish_folder
from tests.hub import OWNER, Hub


def test_a_server_that_does_not_answer_is_given_up(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.seconds = 3.0
    monkeypatch.setenv("HF_TOKEN", OWNER)
    monkeypatch.setattr("faststyle.styles.hub.publish.PATIENCE", 0.2)
    monkeypatch.setattr("faststyle.styles.hub.fetch._PATIENCE", 0.2)
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "README.md").write_text("# Night")
    try:
        with pytest.raises(UserError, match=f"owner/night: {hub.address} does not answer"):
            publish_folder(tmp_path / "card", "owner/night")
        for given in ("hf:owner/night", "hf:owner/night/night.safetensors"):
            with pytest.raises(UserError, match=f"{given}: {hub.address} does not answer"):
                fetch_style(given)
    finally:
        close_session()  # with its patience
