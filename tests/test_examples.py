"""The examples of docs/python.md, run one after another as a reader would."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_the_examples_for_python_run(
    tmp_path: Path, make_photo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo(tmp_path / "photo.jpg", 160, 120)
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)
    assert len(examples) > 5
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "docs/python.md", "exec"), names)
    assert {"stylized.jpg", "small.png"} <= {path.name for path in tmp_path.iterdir()}
