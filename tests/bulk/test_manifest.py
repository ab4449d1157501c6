import json
from pathlib import Path

import pytest

from faststyle.bulk.manifest import Manifest, ShardResult
from faststyle.bulk.plan import ImageTask
from faststyle.core.errors import UserError
from faststyle.core.storage import Folder

SETTINGS = {"options": {"size": 256}, "stroke": 1.0}


@pytest.fixture
def manifest(tmp_path: Path, style: Path) -> Manifest:
    manifest = Manifest(Folder(str(tmp_path / "out")))
    manifest.begin(SETTINGS, style)
    return manifest


def test_a_job_goes_on_with_its_own_settings(manifest: Manifest, style: Path) -> None:
    manifest.begin(SETTINGS, style)
    assert manifest.settings()["options"] == {"size": 256}


def test_results_of_other_settings_are_not_mixed_with_it(
    manifest: Manifest, style: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"other settings \(stroke\): choose another --output"):
        manifest.begin({**SETTINGS, "stroke": 2.0}, style)
    other = tmp_path / "other.safetensors"
    other.write_bytes(style.read_bytes() + b" ")
    with pytest.raises(UserError, match=r"other settings \(style_sha256\)"):
        manifest.begin(SETTINGS, other)


def test_the_same_style_in_other_bytes_goes_on(
    manifest: Manifest, style: Path, tmp_path: Path
) -> None:
    content = style.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    turned = json.dumps(dict(reversed(header.items()))).encode()
    other = tmp_path / "other.safetensors"
    other.write_bytes(len(turned).to_bytes(8, "little") + turned + content[start:])
    assert other.read_bytes() != content
    manifest.begin(SETTINGS, other)


@pytest.mark.parametrize("text", ["{", "{}", '{"format": "another"}'])
def test_a_file_that_is_no_job_is_left_alone(tmp_path: Path, style: Path, text: str) -> None:
    job = tmp_path / "out" / ".faststyle" / "job.json"
    job.parent.mkdir(parents=True)
    job.write_text(text)
    with pytest.raises(UserError, match=r"job\.json is no job of this faststyle's"):
        Manifest(Folder(str(tmp_path / "out"))).begin(SETTINGS, style)
    assert job.read_text() == text


def test_the_style_is_the_one_that_the_job_began_with(manifest: Manifest, style: Path) -> None:
    content = style.read_bytes()
    style.unlink()
    assert manifest.style().read_bytes() == content


def test_a_damaged_style_is_refused(manifest: Manifest) -> None:
    manifest.folder.write("style.safetensors", b"damaged")
    with pytest.raises(UserError, match="is damaged"):
        manifest.style()


def test_a_style_in_a_bucket_is_fetched_once_and_again_if_the_copy_is_damaged(
    style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTSTYLE_CACHE", str(tmp_path / "cache"))
    manifest = Manifest(Folder(f"memory://{tmp_path.name}/out"))
    manifest.begin(SETTINGS, style)
    path = manifest.style()
    assert path.is_relative_to(tmp_path / "cache")
    before = path.stat().st_mtime_ns
    assert manifest.style().stat().st_mtime_ns == before
    path.write_bytes(b"damaged")
    with pytest.raises(UserError, match="is damaged"):
        manifest.style()
    assert manifest.style().read_bytes() == style.read_bytes()


def test_records_come_back_in_the_config_in_which_they_ended(manifest: Manifest) -> None:
    first, second = (
        ShardResult(done=[("a.png", "1")], at=1.0),
        ShardResult(done=[("b.png", "1")], at=2.0),
    )
    second.fail(ImageTask("/in/c.png", "c.png", "1"), "no picture")
    manifest.note("later", second)
    manifest.note("aaa", first)
    assert [result.at for result in manifest.results()] == [1.0, 2.0]
    assert [len(result) for result in manifest.results()] == [1, 2]
    assert [result.at for result in manifest.results(["later.json"])] == [2.0]


def test_failures_are_lines_of_json(manifest: Manifest) -> None:
    result = ShardResult()
    result.fail(ImageTask("/in/c.png", "c.png", "1"), "no picture")
    path = Path(manifest.write_failed(result.failed))
    [line] = path.read_text().splitlines()
    said = {"source": "/in/c.png", "target": "c.png", "version": "1", "reason": "no picture"}
    assert json.loads(line) == said
    assert path.name == "failed.jsonl"
