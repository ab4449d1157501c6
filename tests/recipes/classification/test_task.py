from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from faststyle.config.compose import compose_config, instantiate
from faststyle.core.errors import UserError
from faststyle.core.torch_files import read_torch
from faststyle.encoder import VGGEncoder
from recipes.classification.network import Classifier
from recipes.classification.task import train_classifier

SMALL = (
    "classifier.arch=vgg11_bn",
    "trainer=cpu",
    "trainer.log_every_n_steps=1",
    "+trainer.enable_progress_bar=false",
    "data.workers=0",
    "data.batch_size=32",
)


def composed(tmp_path: Path, *overrides: str) -> DictConfig:
    places = (f"cache={tmp_path / 'cache'}", f"output_dir={tmp_path / 'run'}")
    return compose_config(
        "classifier", [*SMALL, *places, f"export={tmp_path / 'vgg.pth'}", *overrides]
    )


def scalars(tmp_path: Path, name: str) -> list[float]:
    events = EventAccumulator(str(tmp_path / "run")).Reload()
    return [event.value for event in events.Scalars(name)]


@pytest.mark.slow
def test_the_network_learns_cifar10s_format_and_serves_as_encoder(
    tmp_path: Path, cifar10: Callable[[int], None]
) -> None:
    cifar10(40)
    steps = ("trainer.max_steps=30", "trainer.val_check_interval=30", "data.batch_size=20")
    # A sixth of the usual batch, and few of the usual steps: no time for full dropout.
    gentle = ("optimizer.lr=0.01", "classifier.dropout=0.1")
    path = train_classifier(composed(tmp_path, *steps, *gentle))
    assert path == tmp_path / "vgg.pth"
    assert scalars(tmp_path, "val/accuracy")[-1] > 0.6, "chance is 0.1"
    assert scalars(tmp_path, "train/loss")[0] > 1.5
    rates = scalars(tmp_path, "work/learning_rate")
    assert rates[0] == pytest.approx(0.01, rel=1e-2)
    assert rates[len(rates) // 2] == pytest.approx(0.005, rel=0.1), "half a cosine"
    network = Classifier("vgg11_bn", classes=10)
    network.load_state_dict(read_torch(path))
    x = torch.rand(2, 3, 32, 32)
    encoder = VGGEncoder("vgg11_bn", str(path))
    normalized = (x - network.mean.view(3, 1, 1)) / network.std.view(3, 1, 1)
    expected = network.eval().features[:7](normalized)
    assert torch.allclose(encoder(x, ["relu2_1"])["relu2_1"], expected, rtol=1e-4, atol=1e-5)


def test_a_folder_of_classes_trains_by_a_step_schedule(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    for name in ("apple", "pear", "plum"):
        for k in range(4):
            make_photo(tmp_path / "classes" / name / f"{k}.jpg", seed=k)
    steps = ("trainer.max_steps=5", "trainer.val_check_interval=5", "data.batch_size=2")
    halving = ("schedule=step", "schedule.every=2", "normalization=imagenet")
    cfg = composed(tmp_path, f"data.root={tmp_path / 'classes'}", *steps, *halving)
    path = train_classifier(cfg)
    assert path is not None
    assert scalars(tmp_path, "work/learning_rate") == pytest.approx(
        [0.05, 0.05, 0.025, 0.025, 0.0125]
    )
    state = read_torch(path)
    assert state["classifier.5.weight"].shape[0] == 3  # type: ignore[attr-defined]
    assert torch.allclose(state["mean"], torch.tensor([0.485, 0.456, 0.406]))  # type: ignore[arg-type]


def test_the_preset_of_cifar10_is_the_published_recipe() -> None:
    cfg = compose_config("classifier", ["experiment=cifar10"])
    assert dict(cfg.classifier) == {"arch": "vgg19_bn", "dropout": 0.5, "head": "paper"}
    epoch = 50_000 // cfg.data.batch_size
    assert (epoch, cfg.trainer.max_steps) == (200, 164 * 200)
    parameters = [torch.nn.Parameter(torch.zeros(1))]
    optimizer = instantiate(cfg.optimizer)(parameters)
    assert isinstance(optimizer, torch.optim.SGD)
    [group] = optimizer.param_groups
    recipe = {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
    assert {name: group[name] for name in recipe} == recipe
    schedule = instantiate(cfg.schedule)
    of_epochs = [group["lr"] * schedule(number * epoch) for number in (0, 79, 80, 119, 120, 163)]
    assert of_epochs == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    data = instantiate(cfg.data)
    assert (data.root, data.size, data.shift, data.flip) == (None, 32, 4, True)


@pytest.mark.slow
def test_the_recipe_of_cifar10_learns_made_up_pictures_as_it_should(
    tmp_path: Path, cifar10: Callable[[int], None]
) -> None:
    """At a twelfth of its batch and a thousandth of its steps, with a rate and dropout for that."""
    cifar10(40)
    steps = ("trainer.max_steps=32", "trainer.val_check_interval=8", "data.batch_size=20")
    gentle = ("optimizer.lr=0.005", "classifier.dropout=0.1", "schedule.at=[20,28]")
    train_classifier(composed(tmp_path, "experiment=cifar10", *steps, *gentle))
    rates = scalars(tmp_path, "work/learning_rate")
    assert rates == pytest.approx([5e-3] * 20 + [5e-4] * 8 + [5e-5] * 4)
    losses, accuracies = (scalars(tmp_path, f"val/{name}") for name in ("loss", "accuracy"))
    assert losses == sorted(losses, reverse=True), "at each validation lower than before"
    assert accuracies == sorted(accuracies)
    assert accuracies[-1] > 0.7, "chance is 0.1"
    train = torch.tensor(scalars(tmp_path, "train/loss")).view(4, 8).mean(1)
    assert (train[1:] < 0.95 * train[:-1]).sum() >= 2
    assert train[-1] < train[0] / 2


def test_an_unknown_normalization_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='unknown normalization "dat": did you mean "data"'):
        train_classifier(composed(tmp_path, "normalization=dat"))
