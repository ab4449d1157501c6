from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from faststyle.config.compose import compose_config
from faststyle.config.mistakes import report_config_errors
from faststyle.core.errors import UserError
from faststyle.styles import catalog, load_style, read_style
from faststyle.training.super_resolution import train_super_resolution
from tests.upscalers import write_upscaler

Configure = Callable[..., DictConfig]


@pytest.fixture
def configured(tmp_path: Path, photo_folder: Path) -> Configure:
    def make(name: str, *overrides: str) -> DictConfig:
        folder = tmp_path / name
        return compose_config(
            "super_resolution",
            [
                "experiment=smoke",
                "data=coco",
                f"data.root={photo_folder}",
                "+trainer.enable_progress_bar=false",
                f"output_dir={folder}",
                f"export.path={folder}/out.safetensors",
                *overrides,
            ],
        )

    return make


def weights(path: Path | None) -> dict[str, Tensor]:
    assert path is not None
    return read_style(path).network.state_dict()


def test_training_lowers_the_loss_and_exports_a_network_that_enlarges(
    configured: Configure,
) -> None:
    steps = ("trainer.max_steps=120", "trainer.val_check_interval=120", "data.batch_size=2")
    one_picture = ("~data.root", "~data.download", "+data.synthetic=1", "model.learning_rate=3e-3")
    cfg = configured("a", *steps, *one_picture)
    path = train_super_resolution(cfg)
    assert path is not None
    found = read_style(path)
    assert (found.name, found.metadata.factor, found.metadata.steps) == ("enlarge_x4", 4, 120)
    assert found.metadata.loss["content"] == {"relu2_2": 1.0}
    assert found.metadata.encoder["name"] == "lite"
    events = EventAccumulator(str(cfg.output_dir)).Reload()
    losses = [event.value for event in events.Scalars("train/loss")]
    assert sum(losses[-40:]) < 0.9 * sum(losses[:40])


def test_tensorboard_shows_small_photo_bicubic_ours_and_truth_in_a_row(
    configured: Configure,
) -> None:
    cfg = configured("a", "loss=texture")
    train_super_resolution(cfg)
    events = EventAccumulator(str(cfg.output_dir)).Reload()
    scalars = set(events.Tags()["scalars"])
    terms = {"loss", "content", "content/relu2_2", "texture", "texture/relu1_2", "pixel"}
    assert {f"{stage}/{term}" for stage in ("train", "val") for term in terms} <= scalars
    assert not any("style" in name for name in scalars)
    assert events.Tags()["images"] == ["val_samples/photo_1", "val_samples/photo_2"]
    [first, last] = events.Images("val_samples/photo_1")
    assert (first.step, last.step, last.width, last.height) == (0, 6, 4 * 32, 32)


def test_a_resumed_run_ends_at_the_same_weights(configured: Configure) -> None:
    whole = weights(train_super_resolution(configured("whole", "schedule=constant")))
    short = configured("short", "schedule=constant", "trainer.max_steps=4")
    train_super_resolution(short)
    last = f"{short.output_dir}/checkpoints/last.ckpt"
    assert load_style(Path(last)).metadata.factor == 4
    resumed = weights(
        train_super_resolution(configured("short", "schedule=constant", f"resume={last}"))
    )
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())


def test_pixels_alone_need_no_weights_of_a_loss_network(configured: Configure) -> None:
    cfg = configured("a", "loss=pixel", "encoder.weights=/absent.safetensors", "factor=8")
    path = train_super_resolution(cfg)
    assert path is not None
    about = read_style(path).metadata
    assert (about.factor, dict(about.encoder)) == (8, {})


def test_texture_alone_is_seen_by_the_loss_network(configured: Configure) -> None:
    alone = ("loss=texture", "loss.content_weight=0", "loss.pixel_weight=0")
    path = train_super_resolution(configured("a", *alone))
    assert path is not None
    assert read_style(path).metadata.encoder["name"] == "lite"


def test_an_enlarger_that_ships_stays_unless_it_may_be_replaced(
    configured: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(catalog, "bundled_folder", lambda _name: tmp_path)
    shipped = tmp_path / "enlarge_x4.safetensors"
    shipped.write_bytes(b"as it shipped")
    to_shipped = f"export.path={shipped}"
    beside = train_super_resolution(configured("a", to_shipped))
    assert beside == tmp_path / "enlarge_x4_mine.safetensors"
    assert shipped.read_bytes() == b"as it shipped"
    assert "ships with faststyle and stays" in caplog.text
    assert train_super_resolution(configured("b", to_shipped, "overwrite=true")) == shipped
    assert read_style(shipped).metadata.factor == 4


def test_training_may_begin_with_the_weights_of_an_enlarger(
    configured: Configure, tmp_path: Path
) -> None:
    first = write_upscaler(tmp_path / "mine.safetensors")
    alike = ("network.width=4", "network.blocks=1")
    still = ("model.learning_rate=1e-12", "export.half=false")
    path = train_super_resolution(configured("a", f"init={first}", *alike, *still))
    begun, ended = weights(first), weights(path)
    assert all(torch.allclose(ended[name], value, atol=1e-6) for name, value in begun.items())
    assert path is not None
    assert read_style(path).metadata.init == "mine"
    with pytest.raises(UserError, match=r"init=.*mine\.safetensors is of network super_resolution"):
        train_super_resolution(configured("b", f"init={first}", "network.width=8"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["factor=3"], "factor=3: networks enlarge by one of 2, 4, 8"),
        (["data.size=30"], "data.size=30 must be a multiple of factor=4"),
        (["model.learning_rate=0"], "model.learning_rate=0 must be a number above 0"),
        (["encoder.weights=/absent.safetensors"], "absent.safetensors"),
        (["loss.content_weight=-1"], "none can be negative"),
        (
            ["loss=relative"],
            "this loss is for styles: choose loss=perceptual, pixel, both or texture",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_first_step(
    configured: Configure, overrides: list[str], message: str
) -> None:
    cfg = configured("never", *overrides)
    with pytest.raises(UserError, match=message), report_config_errors("super_resolution"):
        train_super_resolution(cfg)
    assert not list(Path(cfg.output_dir).rglob("*.ckpt"))


@pytest.mark.parametrize(
    ("overrides", "file", "message"),
    [
        (["network.width=6"], "checkpoints/last.ckpt", "was trained with network super_resolution"),
        ([], "out.safetensors", "is an exported file"),
    ],
)
def test_a_run_does_not_go_on_from_what_is_not_its_own(
    configured: Configure, overrides: list[str], file: str, message: str
) -> None:
    first = configured("first", "trainer.max_steps=2")
    train_super_resolution(first)
    resume = f"resume={first.output_dir}/{file}"
    with pytest.raises(UserError, match=message):
        train_super_resolution(configured("second", resume, *overrides))
