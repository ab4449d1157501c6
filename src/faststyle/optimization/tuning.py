"""A predicted style that gets better with every second: its network is trained on one photo."""

import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from tqdm import tqdm

from faststyle.core.chance import Purpose, numpy_generator, torch_generator, torch_seed
from faststyle.core.errors import UserError
from faststyle.core.interrupts import catch_interrupts
from faststyle.data.source import CropDataset, PhotoSet
from faststyle.data.synthetic import DeadLeaves
from faststyle.encoder import LiteEncoder, LossNetwork, VGGEncoder
from faststyle.images.pixels import Picture, quantize, to_unit
from faststyle.losses import StyleImage
from faststyle.losses.defaults import default_loss
from faststyle.networks import NETWORKS
from faststyle.networks.conditional import ConditionalInstanceNorm2d
from faststyle.networks.stages import NoiseField
from faststyle.networks.transform import TransformNetwork
from faststyle.optimization.options import TuneOptions
from faststyle.styles.predicted import Painting
from faststyle.styles.style_file import TrainedStyle
from faststyle.stylize.image_processor import Progress, no_progress
from faststyle.stylize.options import DEFAULT_RENDER, RenderOptions
from faststyle.stylize.stylizer import Stylizer

#: Side of the crops that a step sees, which are enlarged to the least of it where a photo is
#: smaller, and by how much their network reflects them.
_CROP, _MIN_CROP, _MARGIN = 192, 64, 8
#: Adam's first step size, for scales and shifts and for convolutions, which fall to 0.
_NORMS_RATE, _RATE = 1e-2, 1e-3
#: Weight of the style against the small loss network, as in trainings of minutes.
_STYLE_WEIGHT = 2.0
#: Of the steps of a style that is saved, every so many sees a drawn picture.
_DRAWN = 3

#: Called with the part that is done, 0 to 1, and the loss.
TuneProgress = Callable[[float, float], None]


class _Photos(PhotoSet):
    """Crops of pictures in memory, (3, H, W) in [0, 1]."""

    def __init__(self, pictures: Sequence[Tensor], size: int) -> None:
        super().__init__(len(pictures), size)
        self._pictures = [quantize(each) for each in pictures]

    def decode(self, position: int) -> Tensor:
        return self._pictures[position]


class StyleTuner:
    """Trains what was predicted for ``paintings`` on photos, against the default loss.

    ``options`` say for how long. Raises ``UserError`` for weights of a loss network that cannot be
    read.
    """

    def __init__(self, paintings: Sequence[Painting], options: TuneOptions) -> None:
        self.options = options
        encoder: LossNetwork = LiteEncoder()
        if options.loss_weights is not None:
            encoder = VGGEncoder("vgg19", options.loss_weights)
        weight = _STYLE_WEIGHT if options.loss_weights is None else 1.0
        self.loss = default_loss(encoder.to(memory_format=torch.channels_last), style_weight=weight)
        self.loss.set_style([StyleImage(each.pixels, each.weight) for each in paintings])

    def tune(
        self,
        style: TrainedStyle,
        photos: Sequence[Tensor],
        progress: TuneProgress = lambda _part, _loss: None,
        generalize: bool = False,
    ) -> TrainedStyle:
        """What ``style`` becomes when it is trained on crops of ``photos`` (3, H, W) in [0, 1].

        ``generalize``: let it see drawn pictures too, so that it does other photos as well. Ctrl-C
        ends it early; what there is by then is returned, and the signal handed on.
        """
        network = _with_margin(style.network, _MARGIN)
        side = min(_CROP, max(min(each.shape[-2:]) for each in photos))
        size = max(_MIN_CROP, side // 4 * 4)
        crops: CropDataset = _Photos(photos, size)
        drawn = DeadLeaves(1_000_000, size) if generalize else None
        clock = _Clock(self.options)
        optimizer = _make_optimizer(network)
        rates = [group["lr"] for group in optimizer.param_groups]
        with catch_interrupts("step of tuning") as interrupts:
            while (part := clock.part()) < 1 and not interrupts.received:
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * min(1.0, (clock.steps + 1) / 3) * _cosine(part)
                source = drawn if drawn and clock.steps % _DRAWN == _DRAWN - 1 else crops
                loss = self._step(network, optimizer, source, clock.steps)
                if not math.isfinite(loss):
                    raise UserError("the loss is no longer finite: try fewer seconds")
                clock.steps += 1
                progress(clock.part(), loss)
        if interrupts.received:
            signal.raise_signal(interrupts.received)
        tuned = _with_margin(network, _options(style.network)["margin"])
        steps = (style.metadata.steps or 0) + clock.steps
        return TrainedStyle(
            tuned.requires_grad_(False).eval(), replace(style.metadata, steps=steps)
        )

    def _step(
        self, network: TransformNetwork, optimizer: torch.optim.Adam, source: CropDataset, step: int
    ) -> float:
        generator = numpy_generator(0, Purpose.CROP, step)
        crop = source.random_crop(int(generator.integers(len(source))), generator)
        photo = to_unit(crop)[None].contiguous(memory_format=torch.channels_last)
        seed = torch.tensor(torch_seed(0, Purpose.NETWORK_NOISE, step))
        one = torch.tensor([1.0, 0.0])
        targets = self.loss.targets(photo)
        stylized = network(photo, one, NoiseField(seed))
        loss = self.loss(stylized, targets, torch_generator(0, Purpose.LOSS, step)).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())


class TunedStylizer:
    """A predicted style that is tuned on each picture before it is applied to it.

    As an :class:`faststyle.stylize.image_processor.ImageProcessor`. ``how`` is for the
    :class:`Stylizer` of the result.
    """

    factor = 1

    def __init__(self, style: TrainedStyle, tuner: StyleTuner, **how: Any) -> None:
        self._style, self._tuner, self._how = style, tuner, how
        self.name = style.name

    def process(
        self,
        pictures: Sequence[Picture],
        options: RenderOptions = DEFAULT_RENDER,
        progress: Progress = no_progress,
        origin: tuple[int, int] = (0, 0),
    ) -> list[Picture]:
        """Stylize decoded pictures, each by a network of its own."""
        return [self._process(picture, options, progress, origin) for picture in pictures]

    def _process(
        self, picture: Picture, options: RenderOptions, progress: Progress, origin: tuple[int, int]
    ) -> Picture:
        photo = to_unit(picture.without_hidden().pixels)
        with tuning_bar(self._tuner.options) as show:
            tuned = self._tuner.tune(self._style, [photo], show)
        stylizer = Stylizer(tuned, mix={self.name: 1.0}, **self._how)
        return stylizer.process([picture], options, progress, origin)[0]


@contextmanager
def tuning_bar(options: TuneOptions) -> Iterator[TuneProgress]:
    """A bar of the seconds or steps of tuning, and the loss."""
    total = options.seconds or options.steps or 0
    unit = "s" if options.seconds else "step"
    form = "tuning: {percentage:3.0f}%|{bar}| {remaining} left{postfix}"
    bar: tqdm[NoReturn]
    with tqdm(total=total, unit=unit, leave=False, bar_format=form) as bar:

        def show(part: float, loss: float) -> None:
            bar.set_postfix(loss=f"{loss:.2f}", refresh=False)
            bar.update(min(1.0, part) * total - bar.n)

        yield show


class _Clock:
    """Which part of the tuning is done."""

    def __init__(self, options: TuneOptions) -> None:
        self._options, self.steps = options, 0
        self._start = time.monotonic()

    def part(self) -> float:
        seconds, steps = self._options.seconds, self._options.steps
        parts = [self.steps / steps] if steps else []
        parts += [(time.monotonic() - self._start) / seconds] if seconds else []
        return max(parts)


def _make_optimizer(network: nn.Module) -> torch.optim.Adam:
    norms = {
        parameter
        for module in network.modules()
        if isinstance(module, ConditionalInstanceNorm2d)
        for parameter in module.parameters()
    }
    others = [each for each in network.parameters() if each not in norms]
    groups = [{"params": list(norms), "lr": _NORMS_RATE}, {"params": others, "lr": _RATE}]
    return torch.optim.Adam(groups, fused=True)


def _options(network: nn.Module) -> dict[str, Any]:
    return dict(NETWORKS.describe(network).options)


def _with_margin(network: nn.Module, margin: int) -> TransformNetwork:
    """A copy whose weights are its own."""
    copied = TransformNetwork(**{**_options(network), "margin": margin})
    copied.load_state_dict(network.state_dict())
    return copied.to(memory_format=torch.channels_last)


def _cosine(part: float) -> float:
    return 0.5 + 0.5 * math.cos(math.pi * part)
