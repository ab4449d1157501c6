"""``train(cfg)``: from a composed config to an exported style."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from torch import nn

from faststyle.config.compose import instantiate
from faststyle.config.record import describe_run
from faststyle.core.atomic import check_target
from faststyle.core.devices import cpu_has_bf16
from faststyle.core.errors import UserError
from faststyle.core.torch_files import read_torch
from faststyle.data.painting import Identity, Style
from faststyle.encoder import LossNetwork
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.networks.any_painting import AnyPaintingNetwork
from faststyle.styles import StyleMetadata, find_style, load_style, write_style
from faststyle.styles.catalog import beside_shipped, label
from faststyle.styles.mixture import choose, single_styles
from faststyle.styles.predicted import Painting, predict_style
from faststyle.training.engine.initial_weights import (
    begin_any_painting,
    check_resumable,
    load_initial_weights,
)
from faststyle.training.engine.picture_module import picture_task, spare_shipped
from faststyle.training.engine.task import Task, run_task
from faststyle.training.style.any_painting import AnyPaintingTransfer
from faststyle.training.style.module import StyleTransfer
from faststyle.training.style.several_styles import StyleSampler

log = logging.getLogger(__name__)


def train(cfg: DictConfig) -> Path | None:
    """Train one style, or several in one network, by what ``configs/train.yaml`` composes.

    Returns the exported file; see :func:`run_task`.
    """
    return run_task(cfg, cfg.name, spare_shipped(cfg), _build_task)


def _build_task(cfg: DictConfig) -> Task:
    _warn_of_slow_precision(cfg)
    asked = Path(cfg.export.path).expanduser()
    data = instantiate(cfg.data)
    module = _build_module(cfg)
    each = module.metadata.labels() if cfg.export.each else ()
    if asked.stem in each:
        raise UserError(f"export=each has a style for export.path={cfg.export.path}, too")
    begun_from = [find_style(cfg.init).path] if cfg.init else []
    for path in (asked, *map(asked.with_stem, each)):
        check_target(_target(cfg, path), begun_from)

    def write(path: Path) -> None:
        write_style(module.trained, path, cfg.export.half)
        for name, one in single_styles(module.trained) if cfg.export.each else ():
            write_style(one, _target(cfg, path.with_stem(name)), cfg.export.half)

    return picture_task(cfg, module, data, write, partial(_check_same_styles, module=module))


def _target(cfg: DictConfig, path: Path) -> Path:
    return path if cfg.overwrite else beside_shipped(path)


def _build_module(cfg: DictConfig) -> StyleTransfer:
    if cfg.styles.get("root"):
        return _build_any_painting(cfg)
    chosen = list(filter(None, cfg.styles.values())) or [cfg.style]
    styles: list[Style | Identity] = [instantiate(style) for style in chosen]
    # Before the weights, which may have to be fetched.
    paintings = [[StyleImage(*image) for image in style.load()] for style in styles]
    encoder: LossNetwork = instantiate(cfg.encoder)
    loss: PerceptualLoss = instantiate(cfg.loss, encoder=encoder)
    network = _build_network(cfg, len(styles))
    if isinstance(network, AnyPaintingNetwork):
        raise UserError("network=any learns from many paintings: pass styles.root=/paintings")
    loss.set_styles(paintings)
    _warn_of_random_encoder(encoder)
    each = [_describe(style) for style in styles]
    several = len(styles) > 1
    metadata = StyleMetadata(cfg.name, styles=tuple(each)) if several else each[0]
    tune = _load_init(cfg, network, each, paintings)
    order = StyleSampler([style.share for style in styles], cfg.seed) if several else None
    make_module: partial[StyleTransfer] = instantiate(cfg.model)
    return make_module(
        network,
        loss,
        _with_training(metadata, cfg, loss),
        schedule=instantiate(cfg.schedule),
        order=order,
        tune=tune,
        temporal=instantiate(cfg.temporal) if cfg.temporal else None,
        seed=cfg.seed,
    )


def _build_any_painting(cfg: DictConfig) -> AnyPaintingTransfer:
    network: AnyPaintingNetwork = instantiate(cfg.network)
    if not isinstance(network, AnyPaintingNetwork):
        raise UserError("styles.root is a folder of paintings, which needs network=any")
    for setting in ("temporal", "tune"):
        if cfg[setting]:
            raise UserError(f"{setting}=... is for styles, and network=any has none")
    encoder: LossNetwork = instantiate(cfg.encoder)
    loss: PerceptualLoss = instantiate(cfg.loss, encoder=encoder)
    _warn_of_random_encoder(encoder)
    begin = load_style(find_style(cfg.init).path) if cfg.init else None
    begin_any_painting(network, begin, f"init={cfg.init}")
    return AnyPaintingTransfer(
        network,
        loss,
        _with_training(StyleMetadata(cfg.name), cfg, loss),
        schedule=instantiate(cfg.schedule),
        seed=cfg.seed,
        **instantiate(cfg.model).keywords,
    )


def _with_training(metadata: StyleMetadata, cfg: DictConfig, loss: PerceptualLoss) -> StyleMetadata:
    return replace(
        metadata,
        loss=loss.describe(),
        encoder=loss.encoder.describe(),
        init=label(cfg.init) if cfg.init else None,
        training=describe_run(cfg),
    )


def _warn_of_random_encoder(encoder: LossNetwork) -> None:
    if encoder.weights == "random":
        log.warning(
            "encoder.weights=random: nothing to download, but the style is matched less well than"
            " with trained weights (encoder.weights=imagenet or a file)"
        )


def _build_network(cfg: DictConfig, styles: int) -> nn.Module:
    given = cfg.network.get("styles", 1)
    if given not in (1, styles):
        raise UserError(f"network.styles={given}, but the styles to train are {styles}")
    network: nn.Module = instantiate(cfg.network, **({"styles": styles} if styles > 1 else {}))
    return network


def _load_init(
    cfg: DictConfig,
    network: nn.Module,
    styles: Sequence[StyleMetadata],
    paintings: Sequence[Sequence[StyleImage]],
) -> str:
    """Give ``network`` the weights of ``cfg.init``, if any; returns what of it is to be tuned."""
    if not cfg.init:
        return cfg.tune or "all"
    found = find_style(cfg.init)
    style = load_style(found.path)
    begin = choose(style, found.mix) if found.mix else style
    if style.metadata.takes_paintings:
        given = [
            [Painting(image.pixels, metadata, image.weight) for image in images]
            for metadata, images in zip(styles, paintings, strict=True)
            if images  # the photo itself, which has none, is there already
        ]
        begin = predict_style(style, *given)
    load_initial_weights(begin, network, styles, f"init={cfg.init}")
    # What several trained styles share should do for another one, too.
    return cfg.tune or ("norms" if style.metadata.styles and len(styles) == 1 else "all")


def _describe(style: Style | Identity) -> StyleMetadata:
    if isinstance(style, Identity):
        return StyleMetadata(style=style.name)
    return StyleMetadata(
        style=style.name,
        style_sha256=style.digests(),
        style_size=style.size,
        title=style.title,
        artist=style.artist,
        year=None if style.year is None else str(style.year),
        license=style.license,
    )


def _check_same_styles(path: Path, module: StyleTransfer) -> None:
    """Raise ``UserError`` if ``path`` is no training checkpoint, or of another network or style."""
    found = check_resumable(path, module.network)
    if found.metadata.style_sha256 != module.metadata.style_sha256:
        raise UserError(f"{path} was trained on another style image than this run's")
    if found.metadata.styles != StyleMetadata.read(module.metadata.write()).styles:
        raise UserError(f"{path} was trained on another list of styles than this run's")
    states: Any = read_torch(path)["optimizer_states"]
    if len(states[0]["param_groups"][0]["params"]) != len(module.tuned):
        raise UserError(f"{path} was trained with another tune=... than this run's")


def _warn_of_slow_precision(cfg: DictConfig) -> None:
    """bf16 without hardware for it is hundreds of times slower than float32 on a CPU."""
    on_cpu, precision = cfg.trainer.accelerator == "cpu", str(cfg.trainer.precision)
    if on_cpu and "16" in precision and not cpu_has_bf16():
        log.warning(
            "trainer.precision=%s: this CPU has no bf16 arithmetic; float32 will be far faster",
            precision,
        )
