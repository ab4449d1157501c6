import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.images.files import load_picture
from faststyle.images.metrics import psnr
from faststyle.losses import LossTerms
from faststyle.optimization.run import Progress, optimize
from tests.places import CONFIGS

PRESETS = (
    "cntk",
    "copy",
    "cs231n",
    "cs231n_exact",
    "csdn_weighted",
    "gatys",
    "inversion",
    "novak_nikulin",
    "pytorch_tutorial",
    "texture",
    "weighted_layers",
)
Configure = Callable[..., DictConfig]


@pytest.fixture
def configured(tmp_path: Path, make_photo: Callable[..., Path]) -> Configure:
    photo = make_photo(tmp_path / "photo.png", 40, 32)

    def make(name: str, *overrides: str) -> DictConfig:
        return compose_config(
            "optimize",
            [
                f"content={photo}",
                "style=flow_field",
                "style.size=32",
                "encoder.weights=random",
                "size=32",
                "iterations=6",
                "snapshot_every=2",
                f"output_dir={tmp_path / name}",
                *overrides,
            ],
        )

    return make


def test_the_picture_has_the_photos_shape_and_a_lower_loss(configured: Configure) -> None:
    cfg = configured("a")
    path = optimize(cfg)
    assert path == Path(cfg.output_dir) / "flow_field.png"
    assert load_picture(path).pixels.shape == (3, 32, 40)
    events = EventAccumulator(cfg.output_dir).Reload()
    losses = [event.value for event in events.Scalars("optimize/loss")]
    assert len(losses) == 6
    assert losses[-1] < 0.8 * losses[0]
    assert {"optimize/content", "optimize/style"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Images("picture")] == [2, 4, 6]
    snapshots = sorted(path.parent.glob("snapshots/*"))
    assert [snapshot.name for snapshot in snapshots] == ["00002.png", "00004.png", "00006.png"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_picture(configured: Configure, preset: str) -> None:
    cfg = configured("a", f"experiment={preset}", "encoder=vgg16")
    assert load_picture(optimize(cfg)).pixels.isfinite().all()


def test_every_experiment_is_tested() -> None:
    presets = (CONFIGS / "optimize" / "experiment").glob("*.yaml")
    assert {path.stem for path in presets} == set(PRESETS)


def test_a_copy_recovers_the_photo(configured: Configure, tmp_path: Path) -> None:
    result = load_picture(optimize(configured("a", "experiment=copy", "iterations=30"))).pixels
    assert psnr(result, load_picture(tmp_path / "photo.png").pixels) > 50


def test_a_texture_needs_no_photo_and_is_square(configured: Configure) -> None:
    cfg = configured("a", "experiment=texture", "content=null", "encoder=vgg11")
    assert load_picture(optimize(cfg)).pixels.shape == (3, 32, 32)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "lbfgsb"])
@pytest.mark.parametrize("coarse", ["true", "false"])
def test_a_stopped_run_resumes_to_the_same_picture_to_the_bit(
    configured: Configure, monkeypatch: pytest.MonkeyPatch, optimizer: str, coarse: str
) -> None:
    choice = [f"optimizer={optimizer}", f"coarse_to_fine={coarse}"]
    whole = optimize(configured("whole", *choice)).read_bytes()
    iteration = Progress.iteration

    def stop(self: Progress, terms: LossTerms) -> None:
        iteration(self, terms)
        if self.done == 5:
            raise KeyboardInterrupt

    cfg = configured("half", *choice)
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "iteration", stop)
        stopped = optimize(cfg)
    assert load_picture(stopped).pixels.shape == (3, 32, 40), "the best so far is kept"
    cfg.resume = "last"
    assert optimize(cfg).read_bytes() == whole
    events = EventAccumulator(cfg.output_dir).Reload()
    steps = [event.step for event in events.Scalars("optimize/loss")]
    assert steps == list(range(1, len(steps) + 1)), "the curve goes on where it stopped"


def test_optimizing_works_in_a_thread_that_is_not_the_main_one(configured: Configure) -> None:
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(optimize, configured("beside")).result()
    assert beside.read_bytes() == optimize(configured("here")).read_bytes()


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "lbfgsb"])
def test_a_signal_ends_the_run_after_the_iteration_and_keeps_the_best_picture(
    configured: Configure, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    iteration = Progress.iteration
    done: list[int] = []

    def interrupted(self: Progress, terms: LossTerms) -> None:
        signal.raise_signal(signal.SIGTERM)
        iteration(self, terms)
        done.append(self.done)

    monkeypatch.setattr(Progress, "iteration", interrupted)
    cfg = configured("a", f"optimizer={optimizer}")
    with pytest.raises(SystemExit) as stopped:
        optimize(cfg)
    assert stopped.value.code == 128 + signal.SIGTERM
    assert done == [1]
    assert load_picture(Path(cfg.output_dir) / "flow_field.png").pixels.shape == (3, 32, 40)


def test_transparency_and_profile_survive(configured: Configure, tmp_path: Path) -> None:
    Image.new("RGBA", (48, 40), (200, 30, 60, 128)).save(tmp_path / "b.png", icc_profile=b"profile")
    picture = load_picture(optimize(configured("a", f"content={tmp_path / 'b.png'}")))
    assert picture.alpha is not None
    assert picture.alpha.shape == (1, 32, 38)
    assert picture.alpha.mean() == pytest.approx(128 / 255, abs=0.01)
    assert picture.icc_profile == b"profile"


@pytest.mark.parametrize(
    ("width", "height", "color"), [(1, 1, "red"), (300, 1, "red"), (32, 32, "white")]
)
@pytest.mark.parametrize("experiment", ["gatys", "novak_nikulin", "inversion"])
def test_pictures_with_nothing_in_them_give_a_picture(
    configured: Configure, tmp_path: Path, width: int, height: int, color: str, experiment: str
) -> None:
    path = tmp_path / "odd.png"
    Image.new("RGB", (width, height), color).save(path)
    odd = [f"content={path}", "style=mine", f"style.image={path}", "style.size=8"]
    cfg = configured("a", f"experiment={experiment}", "encoder=vgg16", "iterations=3", *odd)
    if (width, height) == (300, 1):
        cfg.style.image = str(tmp_path / "photo.png")  # stretched to 8 x 2400 it takes long
    result = load_picture(optimize(cfg)).pixels
    assert result.shape == (3, height, width)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["content=nowhere.jpg"], "no such picture: nowhere.jpg"),
        (["content=null"], "content has no value"),
        (["content=null", "size=null"], "size must say how large"),
        (["size=0"], "size=0 must be"),
        (["iterations=0"], "iterations=0 must be"),
        (["snapshot_every=x"], "snapshot_every=x must be"),
        (["max_pixels=500"], "40 x 32 pixels are more than the limit of 500"),
        (["loss.content_weight=0", "loss.style_weight=0", "~loss.terms"], "nothing to optimize"),
        (["output=a.doc"], "cannot write a.doc"),
        (["start=nowhere.png"], "no such picture: nowhere.png"),
        (["device=toaster"], 'device "toaster"'),
        (["experiment=inversion", "layer=relu9_9"], 'no layer "relu9_9"'),
        (["optimizer=adam", "optimizer.learning_rate=-1"], "learning_rate=-1 must be"),
        (["resume=last"], "no earlier run"),
    ],
)
def test_what_a_user_can_get_wrong_is_named(
    configured: Configure, overrides: list[str], message: str
) -> None:
    from faststyle.config.mistakes import report_config_errors

    with pytest.raises(UserError, match=message), report_config_errors("optimize"):
        optimize(configured("a", *overrides))


@pytest.mark.parametrize("role", ["content", "start", "style.image"])
def test_no_picture_that_goes_in_is_overwritten(
    configured: Configure, tmp_path: Path, role: str
) -> None:
    path = tmp_path / "photo.png"
    with pytest.raises(UserError, match="is an input"):
        optimize(configured("a", f"output={path}", "content=other.png", f"{role}={path}"))


def test_a_loss_that_is_not_finite_leaves_no_picture(configured: Configure) -> None:
    cfg = configured("a", "loss.content_weight=1e39", "start=noise")
    with pytest.raises(UserError, match="no longer finite"):
        optimize(cfg)
    assert not (Path(cfg.output_dir) / "flow_field.png").exists()


@pytest.mark.slow
def test_a_texture_lowers_the_real_style_loss_a_hundredfold(
    configured: Configure, real_vgg19: Path
) -> None:
    weights = [f"encoder.weights={real_vgg19}", "content=null"]
    cfg = configured("a", "experiment=texture", *weights, "iterations=120", "snapshot_every=120")
    optimize(cfg)
    events = EventAccumulator(cfg.output_dir).Reload()
    losses = [event.value for event in events.Scalars("optimize/style")]
    assert losses[-1] < losses[0] / 100


def test_torch_is_left_with_its_gradients_on(configured: Configure) -> None:
    optimize(configured("a", "iterations=1"))
    assert torch.is_grad_enabled()
