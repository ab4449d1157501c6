from pathlib import Path

import pytest
import torch

from faststyle.config.compose import compose_config
from faststyle.encoder import LiteEncoder
from recipes.distillation.task import distill


@pytest.mark.slow
def test_a_distilled_student_is_a_loss_network(tmp_path: Path, photo_folder: Path) -> None:
    cfg = compose_config(
        "distill",
        [
            f"data.root={photo_folder}",
            "data.size=32",
            "data.batch_size=4",
            "data.workers=0",
            "data.val_photos=2",
            "teacher.weights=random",
            "trainer=cpu",
            "trainer.max_steps=3",
            "trainer.val_check_interval=3",
            "trainer.log_every_n_steps=1",
            "+trainer.enable_progress_bar=false",
            f"output_dir={tmp_path / 'run'}",
            f"export={tmp_path / 'lite.safetensors'}",
        ],
    )
    path = distill(cfg)
    assert path is not None
    encoder = LiteEncoder(str(path))
    assert encoder(torch.rand(1, 3, 16, 16), ["relu4_3"])["relu4_3"].shape == (1, 512, 2, 2)
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
