import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from faststyle import Stylizer
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, load_style, write_style
from tests.commands import run_command
from tests.several import several_styles
from tests.upscalers import write_upscaler

pytest.importorskip("huggingface_hub")
from huggingface_hub import ModelCard

from tests.hub import OWNER, READER, Hub, Repository


@pytest.fixture
def night(tmp_path: Path) -> Path:
    about = StyleMetadata("night", title="The <b>Night</b>", artist="Vincent", year="1889", steps=7)
    path = tmp_path / "night.safetensors"
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0), about), path)
    return path


@pytest.fixture
def logged_in(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setenv("HF_TOKEN", OWNER)
    return hub


def publish(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_command("publish", *arguments)


def header(card: str) -> dict[str, Any]:
    return dict(vars(ModelCard(card).data))


def test_a_style_is_published_with_a_card_and_a_sample(logged_in: Hub, night: Path) -> None:
    result = publish(night, "owner/night", "--license", "mit")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [f"{logged_in.address}/owner/night"]
    files = logged_in.repositories["owner/night"].files
    assert set(files) == {"README.md", "night.safetensors", "night.sample.jpg"}
    assert files["night.safetensors"] == night.read_bytes()
    assert not logged_in.repositories["owner/night"].private
    assert Stylizer.load("hf:owner/night").metadata.artist == "Vincent"


def test_a_card_says_what_the_style_is_and_how_it_is_used(tmp_path: Path, night: Path) -> None:
    result = publish(night, "owner/night", "--license", "mit", "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    card = (tmp_path / "out" / "README.md").read_text()
    about = header(card)
    assert (about["license"], about["library_name"]) == ("mit", "faststyle")
    assert about["pipeline_tag"] == "image-to-image"
    assert "style-transfer" in about["tags"]
    assert "*The &lt;b&gt;Night&lt;/b&gt;* by Vincent (1889)" in card
    assert "faststyle stylize --ckpt hf:owner/night/night.safetensors photo.jpg" in card
    assert 'Stylizer.load("hf:owner/night/night.safetensors")' in card
    assert "| steps | 7 |" in card
    assert "](night.sample.jpg)" in card
    assert Image.open(tmp_path / "out" / "night.sample.jpg").width == 2 * 256 + 8


@pytest.mark.usefixtures("hub")
def test_to_look_at_it_first_needs_no_network_and_no_account(
    hub: Hub, tmp_path: Path, night: Path
) -> None:
    result = publish(night, "owner/night", "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "the card names no license" in result.stdout
    assert header((tmp_path / "out" / "README.md").read_text())["license"] is None
    assert not hub.requests


def test_nothing_is_written_over(tmp_path: Path, night: Path) -> None:
    result = publish(night, "owner/night", "--output", tmp_path)
    assert result.returncode == 2
    assert "has files in it: name a new folder" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [night.name]


def test_other_files_of_a_repository_and_its_card_stay(logged_in: Hub, night: Path) -> None:
    before = {"README.md": b"mine", "other.safetensors": b"1", "night.safetensors": b"old"}
    logged_in.repositories["owner/night"] = Repository([before])
    result = publish(night, "owner/night")
    assert result.returncode == 0, result.stderr
    assert "night.safetensors is replaced; the repository's history has the old" in result.stdout
    assert "README.md was there already and stays" in result.stdout
    files = logged_in.repositories["owner/night"].files
    assert files["night.safetensors"] == night.read_bytes()
    assert (files["README.md"], files["other.safetensors"]) == (b"mine", b"1")


def test_publishing_the_same_again_changes_nothing(logged_in: Hub, night: Path) -> None:
    publish(night, "owner/night")
    again = publish(night, "owner/night")
    assert again.returncode == 0, again.stderr
    assert len(logged_in.repositories["owner/night"].commits) == 2


def test_a_private_repository_is_made_and_a_public_one_is_not_taken_for_one(
    logged_in: Hub, night: Path
) -> None:
    assert publish(night, "owner/secret", "--private").returncode == 0
    assert logged_in.repositories["owner/secret"].private
    logged_in.repositories["owner/public"] = Repository()
    result = publish(night, "owner/public", "--private")
    assert result.returncode == 2
    assert "owner/public is there already, and everyone sees it" in result.stderr
    assert not logged_in.repositories["owner/public"].files


@pytest.mark.usefixtures("hub")
def test_who_is_not_logged_in_is_told_how(night: Path) -> None:
    result = publish(night, "owner/night")
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert "nobody is logged in: log in with: hf auth login" in result.stderr


@pytest.mark.parametrize(
    ("token", "said"),
    [(READER, "you may not do this there"), ("hf_expired", "you may not do this there")],
)
@pytest.mark.usefixtures("hub")
def test_who_may_not_write_is_told(
    night: Path, monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    result = publish(night, "owner/night")
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert said in result.stderr


@pytest.mark.usefixtures("logged_in")
def test_a_license_that_the_hub_does_not_know_is_told(night: Path) -> None:
    result = publish(night, "owner/night", "--license", "nonsense")
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert 'owner/night: Invalid metadata in README.md. - "license" must be' in result.stderr


def test_a_mixture_is_published_as_one_style(logged_in: Hub, tmp_path: Path) -> None:
    write_style(several_styles(), tmp_path / "all.safetensors")
    result = publish(f"{tmp_path / 'all.safetensors'}:night=1,wave=1", "owner/mix")
    assert result.returncode == 0, result.stderr
    files = logged_in.repositories["owner/mix"].files
    assert "night-0.5-wave-0.5.safetensors" in files
    assert "*Night and Wave* by Vincent and Hokusai" in files["README.md"].decode()


def test_a_file_of_several_styles_has_them_all_on_its_card(tmp_path: Path) -> None:
    write_style(several_styles(), tmp_path / "all.safetensors")
    result = publish(tmp_path / "all.safetensors", "owner/all", "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| `wave` | *Wave* by Hokusai (free) |" in card
    assert "--ckpt hf:owner/all/all.safetensors:night photo.jpg" in card
    assert load_style(tmp_path / "out" / "all.safetensors").metadata.names() == ("night", "wave")
    assert Image.open(tmp_path / "out" / "all.sample.jpg").width == 3 * 256 + 2 * 8


def test_a_checkpoint_of_training_is_published_as_safetensors(tmp_path: Path) -> None:
    style = several_styles()
    facts = style.metadata.write()
    state = {f"network.{name}": value for name, value in style.network.state_dict().items()}
    torch.save({"faststyle": facts, "state_dict": state, "global_step": 9}, tmp_path / "last.ckpt")
    result = publish(tmp_path / "last.ckpt", "owner/all", "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"README.md", "all.safetensors", "all.sample.jpg"}
    assert load_style(tmp_path / "out" / "all.safetensors").metadata.steps == 9


def test_a_name_with_spaces_is_written_without(tmp_path: Path, night: Path) -> None:
    night = night.rename(tmp_path / "my night (2).safetensors")
    result = publish(night, "owner/night", "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "my_night__2_.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{night}", "night"), "is no style on the Hub: write hf:owner/name"),
        (("{night}", "owner/night/x.safetensors"), "is no repository: write owner/name"),
        (("{night}", "owner/night@main"), "is no repository: write owner/name"),
        (("{night}", "owner/night", "--license", "My Own"), "give its short name"),
        (("absent.safetensors", "owner/night"), "no such checkpoint: absent.safetensors"),
        (("{enlarger}", "owner/night"), "enlarges pictures"),
    ],
)
def test_mistakes_are_one_line_and_ask_nobody(
    logged_in: Hub, tmp_path: Path, night: Path, arguments: tuple[str, ...], said: str
) -> None:
    enlarger = tmp_path / "x4.safetensors"
    write_upscaler(enlarger, 4)
    result = publish(*(word.format(night=night, enlarger=enlarger) for word in arguments))
    assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
    assert said in result.stderr
    assert not logged_in.requests
