import os
import pickle
from pathlib import Path

import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.networks import NETWORKS, TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, load_style, write_style


def _lightning(path: Path, **changes: object) -> Path:
    network = TransformNetwork(width=4, blocks=1)
    content: dict[str, object] = {
        "state_dict": {f"network.{k}": v for k, v in network.state_dict().items()},
        "faststyle": {"style": "night", "network": '{"width": 4, "blocks": 1}'},
        "global_step": 12,
    }
    torch.save(content | changes, path)
    return path


def test_a_checkpoint_of_training_is_a_style_too(tmp_path: Path) -> None:
    style = load_style(_lightning(tmp_path / "last.ckpt"))
    assert style.name == "night"
    assert style.metadata.steps == 12
    assert NETWORKS.describe(style.network).options["width"] == 4


def test_our_own_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_style(
        TrainedStyle(TransformNetwork(width=2, blocks=0), StyleMetadata(style="night")), path
    )
    assert load_style(path).name == "night"


def test_a_file_is_what_is_in_it_whatever_it_is_called(tmp_path: Path) -> None:
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), tmp_path / "a.safetensors")
    (tmp_path / "a.safetensors").rename(tmp_path / "a.pth")
    assert NETWORKS.describe(load_style(tmp_path / "a.pth").network).options["width"] == 2
    _lightning(tmp_path / "b.safetensors")
    assert load_style(tmp_path / "b.safetensors").name == "night"


class _Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("ran"),)


def test_code_in_a_file_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("evil.pth").write_bytes(pickle.dumps(_Malicious()))
    torch.save({"state_dict": {}, "faststyle": _Malicious()}, "evil.ckpt")
    for name in ("evil.pth", "evil.ckpt"):
        with pytest.raises(UserError, match="refused"):
            load_style(Path(name))
    assert not Path("ran").exists()


def test_files_that_are_no_styles_are_named(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    torch.save([1], tmp_path / "list.pth")
    whole = _lightning(tmp_path / "whole.ckpt").read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.ckpt").write_text("hello")
    (tmp_path / "empty.ckpt").write_bytes(b"")
    _lightning(tmp_path / "nothing.ckpt", faststyle={"style": "x"})
    _lightning(tmp_path / "json.ckpt", faststyle={"network": "{"})
    _lightning(tmp_path / "weights.ckpt", state_dict={})
    for name in ("other.pth", "list.pth", "cut.ckpt", "text.ckpt", "empty.ckpt", "nothing.ckpt",
                 "json.ckpt", "weights.ckpt"):  # fmt: skip
        with pytest.raises(UserError, match=name.replace(".", r"\.")):
            load_style(tmp_path / name)


def test_a_misspelt_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    _lightning(tmp_path / "starry_night.ckpt")
    with pytest.raises(UserError, match=r'did you mean "starry_night\.ckpt"'):
        load_style(tmp_path / "stary_night.ckpt")


def test_the_folder_of_a_run_is_its_last_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "outputs" / "night" / "2026"
    (run / "checkpoints").mkdir(parents=True)
    _lightning(run / "checkpoints" / "last.ckpt")
    for folder in (run, run / "checkpoints"):
        assert load_style(folder).metadata.steps == 12
    with pytest.raises(UserError, match="is a folder, and not that of a run"):
        load_style(tmp_path)


def test_programs_are_named_and_never_run(tmp_path: Path) -> None:
    class Doubled(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

    torch.jit.script(Doubled()).save(str(tmp_path / "a.pt"))  # type: ignore[no-untyped-call]
    with pytest.raises(UserError, match="is a TorchScript program"):
        load_style(tmp_path / "a.pt")
    torch.export.save(torch.export.export(Doubled(), (torch.ones(2),)), tmp_path / "b.pt2")
    with pytest.raises(UserError, match="pass the checkpoint it was made from"):
        load_style(tmp_path / "b.pt2")


def test_a_pipe_is_no_checkpoint_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pth")
    with pytest.raises(UserError, match=r"a\.pth is no file, but a pipe"):
        load_style(tmp_path / "a.pth")
