"""Looking into the loss network: feature maps, Gram matrices, and what a layer keeps of a photo."""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import torch
import torch.nn.functional as F
from PIL import ImageOps
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from torchvision.utils import make_grid
from tqdm import tqdm

from faststyle.core.atomic import check_target
from faststyle.core.devices import find_device
from faststyle.core.names import check_name
from faststyle.encoder import LOSS_NETWORKS, LossNetwork
from faststyle.images.contact_sheet import contact_sheet
from faststyle.images.files import load_picture, save_picture
from faststyle.images.formats import format_of
from faststyle.images.metrics import psnr
from faststyle.images.pillow import pil_to_tensor, to_pil
from faststyle.images.pixels import shrink, to_unit
from faststyle.losses import PerceptualLoss, gram_matrix
from faststyle.optimization.optimizers import LBFGS, Objective
from faststyle.optimization.state import starting_picture

#: Dark blue over red to light yellow, which is readable in print and to the color-blind.
_DARK, _MIDDLE, _LIGHT = "#0d0887", "#cc4778", "#f0f921"
#: Entries of a Gram matrix are told apart down to this part of the largest.
_MIN_SHOWN = 1e-4
_PANEL = 512  # pixels high
#: Weight of the total variation: among all pictures with the same features, a smooth one.
_TV_WEIGHT = 0.1

#: layer -> kind of view -> picture (3, H, W) in [0, 1].
Views = Mapping[str, Mapping[str, Tensor]]


@torch.no_grad()
def look(
    encoder: LossNetwork,
    layers: Sequence[str],
    photo: Tensor,
    style: Tensor | None = None,
    invert: Callable[[str], Tensor] | None = None,
    maps: int = 64,
) -> Views:
    """Every view of every layer: the ``maps`` of most energy of a photo, Gram matrices of a style.

    Both are (3, H, W) in [0, 1]. ``invert`` gives the photo recovered from a layer. Raises
    ``UserError`` for an unknown layer.
    """
    features = encoder(photo[None], layers)
    painted = {} if style is None else encoder(style[None], layers)
    views: dict[str, dict[str, Tensor]] = {}
    for layer in layers:
        views[layer] = {"feature maps": feature_grid(features[layer][0], maps)}
        if painted:
            views[layer]["Gram matrix of the style"] = heat_map(gram_matrix(painted[layer])[0])
        if invert is not None:
            with torch.enable_grad():
                recovered = invert(layer)
            distance = f"recovered, {psnr(recovered, photo):.1f} dB of the photo"
            views[layer][distance] = recovered
    return views


def invert(
    encoder: LossNetwork,
    layer: str,
    photo: Tensor,
    iterations: int = 200,
    after_each: Callable[[], object] = lambda: None,
) -> Tensor:
    """Find, from noise, a picture with the photo's features at one layer.

    What a layer keeps of a photo (Mahendran and Vedaldi, 2015). Both pictures are (3, H, W) in
    [0, 1]; ``after_each`` is called after each of the ``iterations`` of L-BFGS. Raises
    ``UserError`` for an unknown layer.
    """
    loss = PerceptualLoss(encoder, {layer: 1.0}, {}, tv_weight=_TV_WEIGHT)
    size = (photo.shape[1], photo.shape[2])
    pixels = starting_picture("noise", 1.0, None, size, seed=0)[None].to(photo.device)
    objective = Objective(loss, photo[None])
    LBFGS(pixels).minimize(objective, iterations, after_each)
    assert objective.best is not None
    return objective.best[0]


def feature_grid(features: Tensor, maps: int) -> Tensor:
    """The maps of most energy of (C, H, W), each scaled to its own largest, in a square grid.

    Returns (3, h, w) in [0, 1].
    """
    maps = min(maps, len(features))
    strongest = features.square().flatten(1).sum(1).argsort(descending=True)[:maps]
    chosen = features[strongest].abs()
    chosen = chosen / chosen.amax((1, 2), keepdim=True).clamp_min(torch.finfo(chosen.dtype).tiny)
    columns = math.ceil(math.sqrt(maps))
    grid: Tensor = make_grid(chosen[:, None], columns, padding=1, pad_value=1.0)
    return grid


def heat_map(gram: Tensor) -> Tensor:
    """A Gram matrix (C, C) as colors (3, C, C) in [0, 1], on a logarithmic scale of four decades.

    Channels are in order of their energy, so that one large one does not hide as a single line.
    """
    order = gram.diagonal().argsort(descending=True)
    size = gram[order][:, order].abs()
    part = (size / size.max().clamp_min(torch.finfo(size.dtype).tiny)).clamp_min(_MIN_SHOWN)
    shade = 1 - part.log10() / math.log10(_MIN_SHOWN)
    colored = ImageOps.colorize(to_pil(shade[None]), _DARK, _LIGHT, _MIDDLE)
    return to_unit(pil_to_tensor(colored))


def _enlarge(pixels: Tensor) -> Tensor:
    """(3, H, W) to the panel's height if it is less, by sharp pixels instead of blurred ones."""
    factor = _PANEL / pixels.shape[1]
    if factor <= 1:
        return pixels
    size = (_PANEL, max(1, round(pixels.shape[2] * factor)))
    return F.interpolate(pixels[None], size, mode="nearest-exact")[0]


def show(args: argparse.Namespace) -> None:
    """What ``faststyle features`` was asked for. Raises ``UserError``."""
    format_of(args.output)
    if args.logdir:
        check_name(args.logdir)
    check_target(args.output, filter(None, (args.photo, args.style)))
    device = find_device(args.device)
    layers = list(dict.fromkeys(filter(None, args.layers.split(","))))
    photo = shrink(load_picture(args.photo).pixels, args.size).to(device)
    style = args.style and shrink(load_picture(args.style).pixels, args.size).to(device)
    options = {} if args.weights is None else {"weights": args.weights}
    encoder = LOSS_NETWORKS.build(args.encoder, **options).to(device)
    encoder.to(memory_format=torch.channels_last)
    encoder.check_layers(layers)
    bar: tqdm[NoReturn]
    with tqdm(total=len(layers) * args.iterations, disable=not args.reconstruct or None) as bar:

        def recover(layer: str) -> Tensor:
            return invert(encoder, layer, photo, args.iterations, after_each=bar.update)

        recovered = recover if args.reconstruct else None
        views = look(encoder, layers, photo, style, recovered, args.maps)
    rows = [
        [(_enlarge(pixels), f"{layer}: {kind}") for kind, pixels in panels.items()]
        for layer, panels in views.items()
    ]
    save_picture(contact_sheet(rows, _PANEL), args.output)
    if args.logdir:
        write_tensorboard(views, args.logdir)


def write_tensorboard(views: Views, folder: Path) -> None:
    """Every view as a picture under its layer's name."""
    with SummaryWriter(str(folder)) as writer:
        for layer, panels in views.items():
            for kind, pixels in panels.items():
                writer.add_image(f"{layer}/{kind}", pixels)
