import functools
import json
from collections.abc import Callable
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader

from faststyle.core.chance import Purpose, torch_seed
from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder
from faststyle.losses import PerceptualLoss, StyleImage, Targets
from faststyle.losses.temporal import TemporalLoss
from faststyle.networks import NETWORKS, SuperResolutionNetwork, TransformNetwork
from faststyle.styles import StyleMetadata
from faststyle.training.engine.schedule import step_decay
from faststyle.training.style.module import EncoderFeatures, StyleTransfer


def _module(encoder: VGGEncoder, **options: Any) -> StyleTransfer:
    loss = PerceptualLoss(encoder, {"relu2_1": 1.0}, {"relu1_1": 1.0})
    loss.set_style([StyleImage(torch.rand(3, 16, 16))])
    network = TransformNetwork(width=2, blocks=1)
    given = {"photo_noise": 0.0, "warmup_steps": 0, **options}
    return StyleTransfer(network, loss, StyleMetadata("night"), **given)


def _view_seeds(count: int) -> list[int]:
    return [torch_seed(0, Purpose.VIEW, place) for place in range(count)]


def test_only_the_network_is_trained_and_saved(encoder: VGGEncoder) -> None:
    module = _module(encoder)
    assert {id(p) for p in module.parameters()} == {id(p) for p in module.network.parameters()}
    assert all(key.startswith("network.") for key in module.state_dict())
    optimizer = module.configure_optimizers()["optimizer"]
    assert len(optimizer.param_groups[0]["params"]) == len(list(module.network.parameters()))


def test_the_encoder_stays_in_evaluation_mode_while_the_network_trains(
    encoder: VGGEncoder,
) -> None:
    module = _module(encoder).train()
    assert module.network.training
    assert not encoder.training


def test_photos_become_floats_in_unit_range_in_the_layout_asked_for(encoder: VGGEncoder) -> None:
    photos = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 4, 5)
    batch = _module(encoder).on_after_batch_transfer(photos, 0)
    assert batch[0, :, 0, 0].tolist() == pytest.approx([0, 0.2, 1])
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_a_checkpoint_says_what_it_is(encoder: VGGEncoder) -> None:
    checkpoint: dict[str, dict[str, str]] = {}
    _module(encoder).on_save_checkpoint(checkpoint)
    assert checkpoint["faststyle"]["style"] == "night"
    assert json.loads(checkpoint["faststyle"]["network"])["options"]["width"] == 2


def test_the_learning_rate_is_scheduled_and_warmed_up(encoder: VGGEncoder) -> None:
    schedule = functools.partial(step_decay, every=1, factor=0.5)
    module = _module(encoder, learning_rate=0.8, warmup_steps=4, schedule=schedule)
    configured = module.configure_optimizers()
    assert configured["lr_scheduler"]["interval"] == "step"
    assert configured["optimizer"].param_groups[0]["lr"] == pytest.approx(0.8 / 4)
    configured["optimizer"].step()
    configured["lr_scheduler"]["scheduler"].step()
    assert configured["optimizer"].param_groups[0]["lr"] == pytest.approx(0.8 * 2 / 4 / 2)


@pytest.mark.parametrize("rate", [0, -1.0, float("nan")])
def test_a_learning_rate_that_is_none_is_refused(encoder: VGGEncoder, rate: float) -> None:
    with pytest.raises(UserError, match="above 0"):
        _module(encoder, learning_rate=rate)


def test_a_network_that_enlarges_is_refused(encoder: VGGEncoder) -> None:
    loss = PerceptualLoss(encoder, {"relu2_1": 1.0}, {})
    network = SuperResolutionNetwork(width=2, blocks=0)
    with pytest.raises(UserError, match="learns no style: train-super-resolution"):
        StyleTransfer(network, loss, StyleMetadata("a"))


@pytest.mark.parametrize("noise", [-1, "2", float("nan")])
def test_noise_that_is_none_is_refused(encoder: VGGEncoder, noise: Any) -> None:
    with pytest.raises(UserError, match=r"model\.photo_noise=.* must be a number, 0 or more"):
        _module(encoder, photo_noise=noise)


def _shown(module: StyleTransfer, side: int = 64) -> list[torch.Tensor]:
    """What the network is given in two steps of training and one of validation."""
    given: list[torch.Tensor] = []
    module.network.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    photos = torch.full((2, 3, side, side), 128, dtype=torch.uint8)
    loader: DataLoader[torch.Tensor] = DataLoader(photos, batch_size=1)  # type: ignore[arg-type]
    options: dict[str, Any] = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
    }
    trainer = pl.Trainer(accelerator="cpu", max_steps=2, num_sanity_val_steps=0, **options)
    trainer.fit(module, loader, loader)
    return given[:3]


def test_only_in_training_the_network_sees_noise_and_a_run_that_is_resumed_sees_the_same(
    encoder: VGGEncoder,
) -> None:
    first, second, validation = _shown(_module(encoder, photo_noise=5.0))
    for shown in (first, second):
        noise = 255 * shown - 128
        assert noise.std().item() == pytest.approx(5, rel=0.05)
        assert abs(noise.mean().item()) < 0.2
    assert not first.equal(second)
    torch.testing.assert_close(255 * validation, torch.full_like(validation, 128))
    assert _shown(_module(encoder, photo_noise=5.0))[1].equal(second)


def test_the_loss_compares_with_the_photo_without_noise(
    encoder: VGGEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = _module(encoder, photo_noise=5.0)
    compared: list[torch.Tensor] = []
    targets = module.loss.targets

    def record(photos: torch.Tensor, *styles: torch.Tensor | None) -> Targets:
        compared.append(photos)
        return targets(photos, *styles)

    monkeypatch.setattr(module.loss, "targets", record)
    _shown(module)
    assert len(compared) >= 3
    assert all(photos.max() == photos.min() for photos in compared)


def test_the_temporal_term_is_of_the_batch_and_a_view_of_it(encoder: VGGEncoder) -> None:
    temporal = TemporalLoss(3.0)
    module = _module(encoder, temporal=temporal)
    shown = _shown(module)
    assert len(shown) == 3
    photos = torch.full((1, 3, 64, 64), 128, dtype=torch.uint8)
    batch = module.on_after_batch_transfer(photos, 0)
    views = temporal.views(batch, _view_seeds(1))
    assert torch.equal(shown[0], batch)
    assert torch.equal(shown[1], views.photos), "of the first step and place"
    module.temporal = None
    plain = module._terms(batch, batch, None, "train", range(1))
    module.temporal = temporal
    terms = module._terms(batch, batch, None, "train", range(1))
    expected = temporal(module(batch), module(views.photos), views).mean()
    torch.testing.assert_close(terms.others["temporal"], expected)
    torch.testing.assert_close(terms.total, plain.total + expected)


def test_features_are_compared_too_where_they_have_a_weight(encoder: VGGEncoder) -> None:
    temporal = TemporalLoss(3.0, feature_weight=2.0)
    module = _module(encoder, temporal=temporal)
    features = EncoderFeatures(module.network)
    batch = torch.rand(2, 3, 64, 64)
    views = temporal.views(batch, _view_seeds(2))
    module(batch)
    first = features.take()
    module(views.photos)
    expected = temporal.of_features(first, features.take(), views, 4).mean()
    terms = module._terms(batch, batch, None, "train", range(2))
    torch.testing.assert_close(terms.others["temporal_features"], expected)
    output = module(batch), module(views.photos)
    torch.testing.assert_close(terms.others["temporal"], temporal(*output, views).mean())
    parts = terms.content + terms.style + sum(terms.others.values())
    torch.testing.assert_close(terms.total, parts)


def test_features_without_a_weight_are_not_looked_at(
    encoder: VGGEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_network: object) -> None:
        raise AssertionError("it has no weight")

    monkeypatch.setattr("faststyle.training.style.module.EncoderFeatures", refuse)
    module = _module(encoder, temporal=TemporalLoss(3.0))
    batch = torch.rand(1, 3, 64, 64)
    assert "temporal_features" not in module._terms(batch, batch, None, "train", range(1)).others


def test_a_network_of_other_layers_has_no_features_to_compare(
    encoder: VGGEncoder, register: Callable[..., Any]
) -> None:
    @register(NETWORKS, "plugin")
    class Plugin(torch.nn.Conv2d):
        pass

    loss = PerceptualLoss(encoder, {"relu2_1": 1.0}, {})
    StyleTransfer(Plugin(3, 3, 1), loss, StyleMetadata("a"), temporal=TemporalLoss(1.0))
    features = TemporalLoss(1.0, feature_weight=1.0)
    with pytest.raises(UserError, match=r"temporal\.feature_weight: Plugin has no stage"):
        StyleTransfer(Plugin(3, 3, 1), loss, StyleMetadata("a"), temporal=features)


def test_two_seeds_share_no_random_numbers(encoder: VGGEncoder) -> None:
    shown = [
        _shown(_module(encoder, photo_noise=5.0, temporal=TemporalLoss(1.0), seed=seed))
        for seed in (0, 0, 1)
    ]
    for first, same, other in zip(*(pictures[:4] for pictures in shown), strict=True):
        assert torch.equal(first, same)
        assert not torch.equal(first, other)


def test_noise_of_the_network_is_a_function_of_seed_and_step(encoder: VGGEncoder) -> None:
    seeds: list[list[int]] = []
    for seed in (0, 0, 1):
        seen: list[int] = []

        def note(_: nn.Module, __: object, given: dict[str, Any], seen: list[int] = seen) -> None:
            if "noise" in given:  # in training
                seen.append(int(given["noise"].seed))

        loss = PerceptualLoss(encoder, {"relu1_1": 1.0}, {})
        network = TransformNetwork(width=2, blocks=1, noise=1)
        network.register_forward_pre_hook(note, with_kwargs=True)
        _shown(StyleTransfer(network, loss, StyleMetadata("a"), seed=seed))
        seeds.append(seen)
    assert seeds[0] == seeds[1] != seeds[2]
    assert len(set(seeds[0])) == 2
