from pathlib import Path

import pytest
import torch

from faststyle.training.engine.checkpoint_io import AtomicCheckpointIO


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    AtomicCheckpointIO().save_checkpoint({"step": 3, "w": torch.ones(2)}, tmp_path / "a" / "b.ckpt")
    content = AtomicCheckpointIO().load_checkpoint(tmp_path / "a" / "b.ckpt", weights_only=True)
    assert content["step"] == 3
    assert content["w"].tolist() == [1, 1]


def test_a_full_disk_keeps_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"step": 1}, path)
    write = Path.write_bytes

    def write_half(self: Path, data: memoryview) -> int:
        write(self, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match=r"No space left on device: '.*last\.ckpt'"):
        AtomicCheckpointIO().save_checkpoint({"step": 2}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]
