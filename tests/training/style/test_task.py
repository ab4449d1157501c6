import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from faststyle.config.compose import compose_config
from faststyle.config.runs import find_resume
from faststyle.core.errors import UserError
from faststyle.networks import NETWORKS
from faststyle.styles import catalog, load_style, read_style
from faststyle.training.style.task import train
from tests.places import CONFIGS


def configure(folder: Path, *overrides: str) -> DictConfig:
    return compose_config(
        "train",
        [
            "experiment=smoke",
            "data=coco",
            "data.batch_size=2",
            # The deep layers of the encoder take most of the time.
            "loss.content.relu4_2=0",
            "+loss.content.relu2_1=1",
            "+trainer.enable_progress_bar=false",
            f"output_dir={folder}",
            f"export.path={folder}/out.safetensors",
            *overrides,
        ],
    )


@pytest.fixture
def configured(tmp_path: Path, photo_folder: Path) -> Callable[..., DictConfig]:
    def make(name: str, *overrides: str) -> DictConfig:
        return configure(tmp_path / name, f"data.root={photo_folder}", *overrides)

    return make


def _weights(path: Path | None) -> dict[str, torch.Tensor]:
    assert path is not None
    return read_style(path).network.state_dict()


def test_training_lowers_the_loss_and_exports_a_style(
    configured: Callable[..., DictConfig],
) -> None:
    cfg = configured("a", "trainer.max_steps=40", "trainer.val_check_interval=20")
    path = train(cfg)
    assert path is not None
    style = read_style(path)
    assert style.name == "flow_field"
    assert style.metadata.steps == 40
    assert style.metadata.loss["scale"] == "relative"
    assert [len(digest) for digest in style.metadata.style_sha256] == [64]
    assert (style.metadata.title, style.metadata.year) == ("Flow field", "2026")
    events = EventAccumulator(str(cfg.output_dir)).Reload()
    losses = [event.value for event in events.Scalars("train/loss")]
    assert sum(losses[-5:]) / 5 < 0.6 * losses[0]


def test_everything_worth_watching_is_in_tensorboard(
    configured: Callable[..., DictConfig],
) -> None:
    cfg = configured("a", "loss.tv_weight=0.1", "model.warmup_steps=3", "schedule=constant")
    train(cfg)
    events = EventAccumulator(str(cfg.output_dir)).Reload()
    scalars = set(events.Tags()["scalars"])
    terms = {"loss", "content", "style", "tv", "content/relu2_1", "style/relu1_1"}
    assert {f"{stage}/{term}" for stage in ("train", "val") for term in terms} <= scalars
    assert {"train/style_share/relu2_1", "work/images_per_second", "work/learning_rate"} <= scalars
    assert {name.split("/")[0] for name in scalars} == {"train", "val", "work"}
    shares = [events.Scalars(f"train/style_share/relu{i}_1")[-1].value for i in (1, 2, 3)]
    assert sum(shares) == pytest.approx(1)
    assert events.Tags()["images"] == ["val_samples/photo_1", "val_samples/photo_2"]
    [first, last] = events.Images("val_samples/photo_1")
    assert (first.step, last.step) == (0, 6)
    assert (last.width, last.height) == (64, 32), "a photo beside its stylized version"
    rates = [event.value for event in events.Scalars("work/learning_rate")]
    assert rates[:3] == pytest.approx([1e-3 / 3, 2e-3 / 3, 1e-3])


def test_the_settings_of_a_run_are_kept_beside_its_curves(
    configured: Callable[..., DictConfig],
) -> None:
    cfg = configured("a", "loss.style_weight=3")
    train(cfg)
    kept = OmegaConf.to_container(OmegaConf.load(Path(cfg.output_dir) / "hparams.yaml"))
    assert isinstance(kept, dict)
    assert (kept["loss.style_weight"], kept["trainer.max_steps"]) == (3, 6)
    plugins = EventAccumulator(str(cfg.output_dir)).Reload().summary_metadata
    about = [data.plugin_data.content for data in plugins.values()]
    [experiment] = [
        found.experiment
        for content in about
        if (found := HParamsPluginData.FromString(content)).WhichOneof("data") == "experiment"
    ]
    assert {"loss.style_weight", "seed"} <= {info.name for info in experiment.hparam_infos}
    shown = {info.name.tag for info in experiment.metric_infos}
    assert shown == {"train/loss", "val/loss"}


@pytest.mark.parametrize(
    ("resume", "steps", "message"),
    [
        ("last", 6, "is already complete: raise trainer.max_steps from 6"),
        ("last", 4, "is at step 6 already: raise trainer.max_steps from 4"),
        ("auto", 4, "is at step 6 already: raise trainer.max_steps from 4"),
    ],
)
def test_a_run_that_has_taken_its_steps_is_not_exported_again(
    configured: Callable[..., DictConfig], resume: str, steps: int, message: str
) -> None:
    path = train(configured("a"))
    assert path is not None
    path.unlink()
    with pytest.raises(UserError, match=message):
        train(configured("a", f"resume={resume}", f"trainer.max_steps={steps}"))
    assert not path.exists()


def test_a_job_that_is_started_again_after_its_last_step_writes_its_result(
    configured: Callable[..., DictConfig], caplog: pytest.LogCaptureFixture
) -> None:
    path = train(configured("a"))
    assert path is not None
    before = _weights(path)
    path.unlink()
    again = _weights(train(configured("a", "resume=auto")))
    assert all(torch.equal(before[key], again[key]) for key in before)
    assert "is already complete" in caplog.text


def test_a_style_that_ships_stays_unless_it_may_be_replaced(
    configured: Callable[..., DictConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(catalog, "bundled_folder", lambda _name: tmp_path)
    shipped = tmp_path / "starry_night.safetensors"
    shipped.write_bytes(b"as it shipped")
    assert train(configured("a", f"export.path={shipped}")) == tmp_path / (
        "starry_night_mine.safetensors"
    )
    assert shipped.read_bytes() == b"as it shipped"
    assert "ships with faststyle and stays" in caplog.text
    assert train(configured("b", f"export.path={shipped}", "overwrite=true")) == shipped
    assert read_style(shipped).metadata.steps == 6


def test_checkpoints_hold_the_network_and_neither_encoder_nor_code(
    configured: Callable[..., DictConfig],
) -> None:
    cfg = configured("a")
    train(cfg)
    folder = Path(cfg.output_dir) / "checkpoints"
    assert sorted(p.name for p in folder.iterdir()) == ["best.ckpt", "last.ckpt"]
    content = torch.load(folder / "last.ckpt", weights_only=True)
    assert all(key.startswith("network.") for key in content["state_dict"])
    assert content["global_step"] == 6
    assert len(content["optimizer_states"][0]["param_groups"][0]["params"]) == len(
        list(load_style(folder / "best.ckpt").network.parameters())
    )


@pytest.mark.parametrize(
    "extra",
    [
        ("schedule=constant",),
        ("schedule.steps=6",),
        ("schedule.steps=6", "model.warmup_steps=5"),
        ("schedule.steps=6", "network.norm=batch"),
        ("schedule.steps=6", "averaging=ema"),
    ],
)
def test_resuming_gives_the_weights_of_an_undisturbed_run_to_the_bit(
    configured: Callable[..., DictConfig], extra: tuple[str, ...]
) -> None:
    whole = _weights(train(configured("whole", *extra)))
    train(configured("parts", "trainer.max_steps=3", *extra))
    resumed = _weights(train(configured("parts", "resume=last", *extra)))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_training_works_in_a_thread_that_is_not_the_main_one(
    configured: Callable[..., DictConfig],
) -> None:
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(train, configured("beside", "data.workers=1")).result()
    here, there = _weights(train(configured("here"))), _weights(beside)
    assert all(torch.equal(here[key], there[key]) for key in here)


# The third step waits in native code for a lock that nobody gives back.
STUCK = """
import ctypes
from pathlib import Path
from faststyle.training.style.module import StyleTransfer
from faststyle.networks import NETWORKS
from faststyle.training.style.task import train
from tests.training.style.test_task import configure

training_step = StyleTransfer.training_step

def stuck(self, batch):
    if self.global_step == 2:
        print("stuck", flush=True)
        mutex = ctypes.create_string_buffer(64)
        for _ in range(2):
            ctypes.CDLL(None).pthread_mutex_lock(mutex)
    return training_step(self, batch)

StyleTransfer.training_step = stuck
train(configure(Path("run"), "data=synthetic", "data.workers=1"))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the lock is Linux's")
def test_a_second_sigterm_leaves_a_training_at_once_whose_step_is_stuck(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(CONFIGS.parent), *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-c", STUCK],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while process.stdout.readline() != "stuck\n":
            assert process.poll() is None, process.stderr.read()
        os.killpg(process.pid, signal.SIGTERM)  # its loader process gets it too
        while "once more to leave at once" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(1.5)  # sooner it would be taken for the same
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(timeout=10) == 128 + signal.SIGTERM


def test_the_mean_of_weights_is_exported_and_saved(configured: Callable[..., DictConfig]) -> None:
    mean = ("averaging=ema", "averaging.decay=0.5")
    weights = [_weights(train(configured(f"{k}", f"trainer.max_steps={k}"))) for k in (1, 2, 3)]
    cfg = configured("mean", *mean, "trainer.max_steps=3")
    found = _weights(train(cfg))
    saved = load_style(Path(cfg.output_dir) / "checkpoints" / "last.ckpt").network.state_dict()
    for key, value in found.items():
        first, second, third = (w[key].double() for w in weights)
        # Lightning's average begins with the first weights that it is given.
        expected = (first + second) / 4 + third / 2
        assert torch.allclose(value.double(), expected, rtol=1e-3, atol=1e-4), key
        assert torch.allclose(saved[key].double(), expected, rtol=1e-3, atol=1e-4), key


def test_training_begins_with_the_weights_of_another_style(
    configured: Callable[..., DictConfig],
) -> None:
    first = train(configured("a"))
    slow = ("model.learning_rate=1e-9", "trainer.max_steps=1")
    path = train(configured("b", f"init={first}", *slow))
    begun, expected = _weights(path), _weights(first)
    assert all(torch.allclose(begun[key], expected[key], atol=1e-6) for key in expected)
    assert path is not None
    assert read_style(path).metadata.init == "out"
    with pytest.raises(UserError, match=r"init=.* is of network .*'width'"):
        train(configured("c", f"init={first}", "network.width=3"))
    with pytest.raises(UserError, match='no style "nowhere"'):
        train(configured("d", "init=nowhere"))


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(
    configured: Callable[..., DictConfig],
) -> None:
    train(configured("a"))
    cfg = configured("a", "resume=last", "trainer.max_steps=30", "loss.content_weight=1e39")
    with pytest.raises(UserError, match="no longer finite"):
        train(cfg)
    content = torch.load(Path(cfg.output_dir) / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in content["state_dict"].values())


def _losses(cfg: DictConfig) -> list[float]:
    train(cfg)
    events = EventAccumulator(str(cfg.output_dir)).Reload().Scalars("train/loss")
    return [event.value for event in events]


def test_the_memory_layout_does_not_change_the_loss(configured: Callable[..., DictConfig]) -> None:
    plain = _losses(configured("a", "model.channels_last=false", "trainer.max_steps=3"))
    assert _losses(configured("b", "trainer.max_steps=3")) == pytest.approx(plain, rel=1e-3)


@pytest.mark.slow
def test_torch_compile_does_not_change_the_loss(configured: Callable[..., DictConfig]) -> None:
    # Each layer takes seconds to compile, and so do those of a validation.
    style = ("loss.style.relu2_1=0", "loss.style.relu3_1=0")
    content = ("loss.content.relu2_1=0", "+loss.content.relu1_1=1")
    few = ("network.blocks=0", "data.val_photos=0", "trainer.max_steps=2")
    short = (*style, *content, *few)
    plain = _losses(configured("a", *short))
    fast = _losses(configured("b", *short, "model.compile=true"))
    assert fast == pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("style.image=/nowhere.jpg",), "no such style image"),
        (("style.image=/etc/hostname",), "/etc/hostname is not a picture"),
        (("+loss.content.relu4_9=1",), 'vgg11 has no layer "relu4_9"'),
        (("loss.scale=papr",), 'did you mean "paper"'),
        (("encoder.weights=/nowhere.pth",), "no such weights file"),
        (("network.norm=layer",), "network.norm"),
        (("data.root=/nowhere",), "no such photo folder"),
        (("resume=last",), "no earlier run"),
        (("model.learning_rate=fast",), "model.learning_rate=fast must be a number"),
        (("tune=norm",), 'tune="norm": did you mean "norms"'),
        (("style.size=large",), "style"),
        (("trainer.max_steps=0",), "trainer.max_steps is 0"),
        (("resume=/nowhere.ckpt",), "no such checkpoint"),
    ],
)
def test_what_a_user_can_get_wrong_is_one_line(
    configured: Callable[..., DictConfig], overrides: tuple[str, ...], message: str
) -> None:
    from faststyle.config.mistakes import report_config_errors

    with pytest.raises(UserError, match=message), report_config_errors("train"):
        train(configured("a", *overrides))


def test_resuming_with_another_network_is_refused(configured: Callable[..., DictConfig]) -> None:
    train(configured("a", "trainer.max_steps=2"))
    with pytest.raises(UserError, match="was trained with network"):
        train(configured("a", "resume=last", "network.width=8"))


def test_resuming_from_another_style_or_an_exported_file_is_refused(
    configured: Callable[..., DictConfig], tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    exported = train(configured("a", "trainer.max_steps=2"))
    checkpoint = tmp_path / "a" / "checkpoints" / "last.ckpt"
    other = make_photo(tmp_path / "other.jpg", 64, 64)
    with pytest.raises(UserError, match="another style image"):
        train(configured("b", f"resume={checkpoint}", f"style.image={other}"))
    with pytest.raises(UserError, match="exported file"):
        train(configured("b", f"resume={exported}"))


@pytest.fixture
def of_two(configured: Callable[..., DictConfig], tmp_path: Path) -> Callable[..., DictConfig]:
    """A training of two styles, the second of them a picture of its own."""
    picture = tmp_path / "wave.png"
    Image.fromarray(np.tile(np.arange(0, 240, 5, dtype=np.uint8), (40, 1))).save(picture)

    def make(name: str, *overrides: str) -> DictConfig:
        sizes = ("styles.flow_field.size=32", "styles.mine.size=32")
        styles = ("styles=[flow_field,mine]", f"styles.mine.image={picture}", *sizes)
        return configured(name, *styles, *overrides)

    return make


def test_several_styles_are_trained_in_one_network(of_two: Callable[..., DictConfig]) -> None:
    cfg = of_two("a", "trainer.max_steps=40", "trainer.val_check_interval=20")
    path = train(cfg)
    assert path is not None
    style = read_style(path)
    assert style.name == "styles"
    assert [each.style for each in style.metadata.styles] == ["flow_field", "mine"]
    assert all(len(each.style_sha256) == 1 for each in style.metadata.styles)
    assert NETWORKS.describe(style.network).options["styles"] == 2
    events = EventAccumulator(str(cfg.output_dir)).Reload()
    for name in ("flow_field", "mine"):
        losses = [event.value for event in events.Scalars(f"train/loss/{name}")]
        assert sum(losses[-5:]) < sum(losses[:5])
        assert len(events.Scalars(f"val/loss/{name}")) == 2
        assert events.Images(f"val_samples/{name}/photo_1")[-1].step == 40
    photo = torch.rand(1, 3, 64, 64)
    first, second = (style.network(photo, mixture) for mixture in torch.eye(2))
    assert (first - second).abs().mean() > 1e-3


def test_the_photo_itself_is_trained_beside_a_painting(
    configured: Callable[..., DictConfig],
) -> None:
    path = train(configured("a", "styles=[flow_field,photo]", "styles.flow_field.size=32"))
    assert path is not None
    metadata = read_style(path).metadata
    assert [each.style for each in metadata.styles] == ["flow_field", "photo"]
    assert metadata.names() == ("flow_field",)


def test_every_style_can_be_exported_by_itself(
    of_two: Callable[..., DictConfig], tmp_path: Path
) -> None:
    whole = train(of_two("a", "export=each", "trainer.max_steps=2", "export.half=false"))
    assert whole is not None
    network, photo = read_style(whole).network, torch.rand(1, 3, 32, 32)
    for name, shares in zip(("flow_field", "mine"), torch.eye(2), strict=True):
        style = read_style(tmp_path / "a" / f"{name}.safetensors")
        assert (style.name, style.metadata.steps) == (name, 2)
        torch.testing.assert_close(style.network(photo), network(photo, shares))
    with pytest.raises(UserError, match="export=each has a style for"):
        train(of_two("b", "export=each", f"export.path={tmp_path}/mine.safetensors"))


def test_the_loss_of_a_batch_is_the_mean_of_its_styles(of_two: Callable[..., DictConfig]) -> None:
    cfg = of_two("a", "trainer.max_steps=2")
    train(cfg)
    events = EventAccumulator(str(cfg.output_dir)).Reload()
    whole, *each = (
        [event.value for event in events.Scalars(tag)]
        for tag in ("train/loss", "train/loss/flow_field", "train/loss/mine")
    )
    assert [sum(pair) / 2 for pair in zip(*each, strict=True)] == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("extra", [("styles.flow_field.title=1984",), ("averaging=ema",)])
def test_resuming_several_styles_gives_the_weights_of_an_undisturbed_run(
    of_two: Callable[..., DictConfig], extra: tuple[str, ...]
) -> None:
    settings = ("schedule.steps=6", "styles.mine.share=3", "data.batch_size=3", *extra)
    whole = _weights(train(of_two("whole", *settings)))
    train(of_two("parts", "trainer.max_steps=3", *settings))
    resumed = _weights(train(of_two("parts", "resume=last", *settings)))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        (["averaging=ema"], [], "was trained with averaged weights: add averaging=ema"),
        ([], ["averaging=ema"], "was trained without averaged weights: leave out averaging=ema"),
    ],
)
def test_a_run_goes_on_with_or_without_averaging_as_it_began(
    configured: Callable[..., DictConfig], first: list[str], then: list[str], said: str
) -> None:
    train(configured("a", "trainer.max_steps=2", *first))
    with pytest.raises(UserError, match=said):
        train(configured("a", "resume=last", "trainer.max_steps=3", *then))


def test_several_styles_begin_with_the_weights_of_one(
    configured: Callable[..., DictConfig], of_two: Callable[..., DictConfig]
) -> None:
    first = train(configured("a"))
    slow = ("model.learning_rate=1e-9", "trainer.max_steps=1")
    begun, expected = _weights(train(of_two("b", f"init={first}", *slow))), _weights(first)
    for key, value in expected.items():
        torch.testing.assert_close(begun[key], value.expand_as(begun[key]), rtol=0, atol=1e-5)


def test_a_new_style_begins_with_the_mean_of_several_and_tunes_its_norms_alone(
    of_two: Callable[..., DictConfig], configured: Callable[..., DictConfig]
) -> None:
    several = train(of_two("two", "trainer.max_steps=3", "export.half=false"))
    new = (f"init={several}", "style.name=new", "export.half=false", "trainer.max_steps=4")
    tuned, shared = _weights(train(configured("new", *new))), _weights(several)
    for name, value in shared.items():
        is_norm = value.dim() == 2
        begun = value.mean(0) if is_norm else value
        assert torch.equal(tuned[name], begun) != is_norm, name
    everything = _weights(train(configured("all", *new, "tune=all")))
    assert not torch.equal(everything["stem.0.weight"], shared["stem.0.weight"])
    with pytest.raises(UserError, match=r"was trained with another tune=\.\.\. than this run"):
        train(configured("all", *new, "resume=last"))


def test_of_several_styles_one_can_be_the_beginning(
    of_two: Callable[..., DictConfig], configured: Callable[..., DictConfig]
) -> None:
    several = train(of_two("two", "trainer.max_steps=3", "export.half=false"))
    some = ("trainer.max_steps=2", "export.half=false")
    begun = _weights(train(configured("one", f"init={several}:mine", *some)))
    for name, value in _weights(several).items():
        if value.dim() == 2:
            assert 0 < (begun[name] - value[1]).abs().max() < 0.01, "two steps of Adam"
        else:
            assert torch.equal(begun[name], value), "what all styles share"


def test_what_can_be_wrong_with_several_styles_is_one_line(
    of_two: Callable[..., DictConfig], configured: Callable[..., DictConfig]
) -> None:
    with pytest.raises(UserError, match=r"network\.styles=3, but the styles to train are 2"):
        train(of_two("a", "network.styles=3"))
    train(of_two("a", "trainer.max_steps=2"))
    with pytest.raises(UserError, match="another list of styles"):
        train(of_two("a", "resume=last", "styles.mine.size=48"))
    wide = train(configured("wide", "network.width=5", "trainer.max_steps=1"))
    with pytest.raises(UserError, match=r"init=.* is of network .*'width': 5"):
        train(of_two("b", f"init={wide}"))


def test_resume_last_means_the_runs_own_folder(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_resume("last", "night", tmp_path / "run") == path
    assert find_resume(None, "night", tmp_path / "run") is None


def test_unreadable_photos_are_skipped_and_counted(
    configured: Callable[..., DictConfig],
    photo_folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for path in sorted(photo_folder.iterdir())[:2]:
        path.write_text("broken")
    assert train(configured("a", "data.val_photos=0")) is not None
    assert "2 photos could not be read" in caplog.text


STYLES = {path.stem for path in (CONFIGS / "style").glob("[a-z]*.yaml")} - {"by_image"}


@pytest.mark.parametrize("name", sorted(STYLES))
def test_every_style_config_is_complete(name: str, tmp_path: Path) -> None:
    extra = ["style.image=x.jpg"] if name == "mine" else []
    style = configure(tmp_path, f"style={name}", *extra).style
    assert style.name == name
    if name not in ("mine", "flow_field", "photo"):
        assert {style.title, style.artist, style.year, style.license}.isdisjoint({None, ""})
    if "url" in style:  # and so is fetched
        assert re.match(r"https://(commons.wikimedia|en.wikipedia).org/wiki/Special:", style.url)


def test_networks_train_in_the_precision_that_lightning_is_told(
    configured: Callable[..., DictConfig],
) -> None:
    losses = []
    for precision in ("32-true", "64-true", "bf16-true"):
        cfg = configured(precision, f"trainer.precision={precision}", "trainer.max_steps=1")
        train(cfg)
        events = EventAccumulator(str(cfg.output_dir)).Reload()
        losses.append(events.Scalars("train/loss")[0].value)
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[2] == pytest.approx(losses[0], rel=0.03)
