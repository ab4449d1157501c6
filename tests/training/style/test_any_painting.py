from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig

from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.encoder import LiteEncoder
from faststyle.networks import AnyPaintingNetwork, bake_style
from faststyle.networks.conditional import style_rows
from faststyle.optimization.paintings import load_paintings
from faststyle.styles import StyleMetadata, TrainedStyle, read_style, write_style
from faststyle.styles.metadata import IDENTITY
from faststyle.styles.predicted import predict_style
from faststyle.training.style.task import train
from tests.several import STYLES, several_styles


@pytest.fixture
def configured(
    tmp_path: Path, photo_folder: Path, make_photo: Callable[..., Path]
) -> Callable[..., DictConfig]:
    paintings = tmp_path / "paintings"
    for seed in range(5):
        make_photo(paintings / f"{seed}.jpg", seed=10 + seed)

    def make(name: str, *overrides: str) -> DictConfig:
        folder = tmp_path / name
        settings = [
            "experiment=smoke",
            "network=any",
            "network.width=4",
            "network.blocks=1",
            "network.margin=0",
            "network.hidden=8",
            "data=coco",
            "data.batch_size=2",
            f"data.root={photo_folder}",
            f"styles.root={paintings}",
            "+trainer.enable_progress_bar=false",
            "schedule=constant",
            "loss.content.relu4_2=0",
            "+loss.content.relu2_1=1",
            f"output_dir={folder}",
            f"export.path={folder}/any.safetensors",
        ]
        return compose_config("train", [*settings, *overrides])

    return make


def _trained(path: Path | None) -> dict[str, torch.Tensor]:
    assert path is not None
    return read_style(path).network.state_dict()


def test_a_folder_of_paintings_gives_a_network_of_any(
    configured: Callable[..., DictConfig],
) -> None:
    path = train(configured("a"))
    assert path is not None
    style = read_style(path)
    assert isinstance(style.network, AnyPaintingNetwork)
    assert (style.name, style.metadata.steps) == ("any", 6)
    lite = LiteEncoder(frozen=False).state_dict()
    found = style.network.predictor.encoder.state_dict()
    # It began with the encoder that ships: six steps of Adam move a weight by at most 6e-3.
    assert all((found[name] - lite[name]).abs().max() < 8e-3 for name in found)


def test_resuming_gives_the_weights_of_an_undisturbed_run_to_the_bit(
    configured: Callable[..., DictConfig],
) -> None:
    whole = _trained(train(configured("whole")))
    train(configured("parts", "trainer.max_steps=3"))
    resumed = _trained(train(configured("parts", "resume=last")))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_it_begins_with_the_mean_of_paintings_that_were_trained(
    configured: Callable[..., DictConfig], tmp_path: Path
) -> None:
    begin = several_styles(styles=(*STYLES, StyleMetadata(IDENTITY)))
    write_style(begin, tmp_path / "all.safetensors", half=False)
    options = "trainer.max_steps=1", "model.learning_rate=1e-12", "network.noise=1"
    path = train(configured("a", f"init={tmp_path}/all.safetensors", *options))
    assert path is not None
    network = read_style(path).network
    assert isinstance(network, AnyPaintingNetwork)
    *paintings, photo = style_rows(begin.network)
    wanted = torch.stack([torch.stack(paintings).mean(0), photo])
    torch.testing.assert_close(style_rows(network.transform), wanted, atol=2e-3, rtol=2e-3)


def test_it_goes_on_from_a_network_of_any(
    configured: Callable[..., DictConfig],
) -> None:
    first = train(configured("first"))
    path = train(configured("second", f"init={first}", "model.learning_rate=1e-12"))
    before, after = _trained(first), _trained(path)
    # Files hold float16.
    assert all(torch.allclose(before[key], after[key], atol=1e-6) for key in before)


def test_a_style_begins_with_what_is_predicted_for_its_painting(
    configured: Callable[..., DictConfig], tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    first = train(configured("first", "model.learning_rate=0.01"))
    assert first is not None
    painting = make_photo(tmp_path / "wave.png", width=300, height=260, seed=5)
    settings = [
        "experiment=smoke",
        "data.batch_size=2",
        "style=mine",
        f"style.image={painting}",
        "style.size=256",
        "network.width=4",
        "network.blocks=1",
        "network.noise=5",
        f"init={first}",
        "model.learning_rate=1e-12",
        "+trainer.enable_progress_bar=false",
        f"output_dir={tmp_path}/second",
        f"export.path={tmp_path}/second/wave.safetensors",
    ]
    second = train(compose_config("train", settings))
    assert second is not None
    predicted = predict_style(read_style(first), load_paintings([str(painting)]))
    wanted = bake_style(predicted.network, torch.tensor([1.0, 0.0])).state_dict()
    found = read_style(second).network.state_dict()
    assert all(torch.allclose(found[key], wanted[key], atol=2e-3, rtol=2e-3) for key in wanted)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["styles.root=null"], r"network=any learns from many paintings: pass styles\.root="),
        (
            ["network._target_=faststyle.networks.TransformNetwork", "~network.hidden"],
            "needs network=any",
        ),
        (["styles.root=/nowhere"], "no such photo folder: /nowhere"),
        (["tune=norms"], "tune"),
        (["init=starry_night_small"], "is of network johnson"),
    ],
)
def test_what_does_not_fit_is_one_line(
    configured: Callable[..., DictConfig], settings: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message) as failed:
        train(configured("a", *settings))
    assert "\n" not in str(failed.value)


def test_a_style_of_one_painting_is_no_beginning(
    configured: Callable[..., DictConfig], tmp_path: Path
) -> None:
    network = AnyPaintingNetwork(width=8, blocks=1, hidden=8)
    path = tmp_path / "other.safetensors"
    write_style(TrainedStyle(network, StyleMetadata("other")), path)
    with pytest.raises(UserError, match=f"init={path}"):
        train(configured("a", f"init={path}"))
