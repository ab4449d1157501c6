"""From the command line's choices to a printed and returned report."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from faststyle.benchmark import data, infer, optimize, report, train
from faststyle.benchmark.compare import Variant, compare
from faststyle.benchmark.runtimes import RUNTIMES, check_runtimes
from faststyle.benchmark.start import measure_start
from faststyle.benchmark.work import Peak, measure_peak
from faststyle.config.compose import CONFIGS
from faststyle.core.atomic import check_target
from faststyle.core.devices import cpu_has_bf16
from faststyle.core.errors import UserError, nearest
from faststyle.data.folder import find_photos
from faststyle.data.synthetic import DeadLeaves
from faststyle.images.files import save_picture
from faststyle.images.picture import Picture
from faststyle.images.pixels import to_unit
from faststyle.styles import open_style

_WARMUP = 2


def run_benchmark(args: argparse.Namespace) -> dict[str, Any]:
    """Run one task of ``faststyle benchmark``.

    Prints tables and returns the same and more as plain values. Raises ``UserError``.
    """
    network = _check(args, CONFIGS / "network")
    if args.task == "start":
        return _start(args)
    peak = measure_peak(args.device)
    result: dict[str, Any] = {"task": args.task, "machine": report.machine(peak)}
    print(_heading(result["machine"]))  # noqa: T201
    tasks = {"train": _train, "infer": _infer, "data": _data, "optimize": _optimize}
    task = tasks[args.task]
    result["runs"] = list(task(args, peak, network))
    if args.plot and len(result["runs"]) > 1:
        by_batch = args.task == "train" and len(args.batch_size) > 1
        report.plot_costs(result["runs"], "batch_size" if by_batch else "pixels", args.plot)
    return result


def _start(args: argparse.Namespace) -> dict[str, Any]:
    spreads = measure_start(args.rounds)
    for name, spread in spreads.items():
        print(f"{name:26} {spread.median:.2f} s ({spread.low:.2f} to {spread.high:.2f})")  # noqa: T201
    return {"task": "start", "seconds": {name: vars(spread) for name, spread in spreads.items()}}


def _check(args: argparse.Namespace, networks: Path) -> dict[str, int]:
    """The network's options; whatever is wrong is said before minutes of measuring."""
    if args.rounds < 1:
        raise UserError(f"--rounds is {args.rounds}; it must be at least 1")
    if args.device.startswith("cuda") and not torch.cuda.is_available():
        raise UserError("there is no GPU here: leave out --device")
    if args.device == "cpu" and "tf32" in _precisions(args):
        raise UserError("--precision tf32 is for GPUs")
    for path in filter(None, (args.json, args.plot)):
        read = (args.photo, args.style, args.ckpt, args.weights)
        check_target(path, [Path(given) for given in read if given])
    if args.plot and args.plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UserError(f"--plot {args.plot}: the name must end in .png, .svg or .pdf")
    for text in args.size:
        _sides(text)
    _check_against(args)
    if args.task == "train" and len(args.size) > 1 and len(args.batch_size) > 1:
        raise UserError("vary --size or --batch-size, not both: one curve has one axis")
    if args.photos:
        find_photos(args.photos)
    if args.ckpt:
        open_style(args.ckpt)
    path = networks / f"{args.network}.yaml"
    if not path.exists():
        known = nearest(args.network, [file.stem for file in networks.glob("*.yaml")])
        raise UserError(f'there is no network "{args.network}": {known}')
    config = OmegaConf.load(path)
    if (config.norm, config.upsample, config.padding) != ("instance", "resize", "reflect"):
        raise UserError(
            f"--network {args.network}: the reference has instance norm, reflection and"
            " resize-convolution only"
        )
    return {"width": config.width, "blocks": config.blocks, "noise": config.noise}


def _check_against(args: argparse.Namespace) -> None:
    known = ("reference", *RUNTIMES)
    for name in args.against:
        if name not in known:
            raise UserError(f'--against "{name}": {nearest(name, known)}')
    runtimes = [name for name in args.against if name in RUNTIMES]
    if not runtimes:
        return
    if args.task != "infer" or args.device != "cpu":
        raise UserError(f"--against {runtimes[0]} is for stylizing on the CPU: infer")
    for text in args.size:
        if any(side % 4 for side in _sides(text)):
            raise UserError(f"--size {text}: --against {runtimes[0]} takes multiples of 4")
    check_runtimes(runtimes)


def _train(
    args: argparse.Namespace, peak: Peak, network: dict[str, int]
) -> Iterator[dict[str, Any]]:
    with _or_else(args.style, "faststyle", "assets/flow_field.png") as style:
        for size, batch_size in ((s, b) for s in args.size for b in args.batch_size):
            side = _sides(size)[0]
            task = train.TrainTask(
                **network,
                style=style,
                rounds=args.rounds + _WARMUP,
                photos=args.photos,
                arch=args.encoder,
                weights=args.weights,
                batch_size=batch_size,
                size=side,
                device=args.device,
                compile=args.compile,
            )
            variants = train.variants(task, _precisions(args), "reference" in args.against)
            results = compare(variants, args.rounds, _WARMUP, args.device)
            title = f"training step, batch of {batch_size}, {side} x {side}, {args.encoder}"
            described = _show(title, variants, results, peak, batch_size)
            losses = {name: result.result for name, result in results.items()}
            if args.plot and len(args.size) * len(args.batch_size) == 1:
                report.plot_losses(losses, args.plot)
            yield {
                "pixels": side * side,
                "batch_size": batch_size,
                "results": described,
                "losses": losses,
            }


def _infer(
    args: argparse.Namespace, peak: Peak, network: dict[str, int]
) -> Iterator[dict[str, Any]]:
    with _or_else(args.photo, "skimage", "data/astronaut.png") as photo:
        for size in args.size:
            height, width = _sides(size)
            task = infer.InferTask(
                **({} if args.ckpt else network),
                photo=photo,
                size=(height, width),
                style=args.ckpt,
                device=args.device,
                compile=args.compile,
            )
            with infer.variants(task, _precisions(args), args.against) as variants:
                results = compare(variants, args.rounds, _WARMUP, args.device)
            title = f"stylizing {width} x {height}"
            described = _show(title, variants, results, peak, 1)
            first = results[variants[0].name].result
            for name, result in results.items():
                error, largest, ssim = infer.difference(first, result.result)
                described[name] |= {
                    "mean_difference_255": error,
                    "largest_difference_255": largest,
                    "ssim": ssim,
                }
                print(  # noqa: T201
                    f"{name:20} differs by {error:.3f}/255 in the mean, {largest:.2f} at most,"
                    f" SSIM {ssim:.5f}"
                )
            yield {"pixels": height * width, "results": described}


def _optimize(
    args: argparse.Namespace, peak: Peak, _network: dict[str, int]
) -> Iterator[dict[str, Any]]:
    with (
        _or_else(args.photo, "skimage", "data/astronaut.png") as photo,
        _or_else(args.style, "faststyle", "assets/flow_field.png") as style,
    ):
        for size in args.size:
            height, width = _sides(size)
            task = optimize.OptimizeTask(
                photo, style, (height, width), args.encoder, args.weights, args.device
            )
            variants = optimize.variants(task, "reference" in args.against)
            results = compare(variants, args.rounds, _WARMUP, args.device)
            described = _show(f"optimizing {width} x {height}", variants, results, peak, 1)
            yield {"pixels": height * width, "results": described}


def _data(
    args: argparse.Namespace, peak: Peak, _network: dict[str, int]
) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as temporary:
        root = args.photos or _draw_photos(Path(temporary, "drawn"))
        # ImageFolder wants a folder of folders.
        (Path(temporary) / "photos").mkdir()
        (Path(temporary) / "photos" / "all").symlink_to(root.resolve())
        for size in args.size:
            side = _sides(size)[0]
            task = data.DataTask(Path(temporary, "photos"), side)
            if not task.photos:
                raise UserError(f"{root} holds fewer photos than one batch of {task.batch_size}")
            variants = data.variants(task, "reference" in args.against)
            results = compare(variants, args.rounds, _WARMUP)
            title = f"loading {task.photos} photos as {side} x {side} crops, one core"
            described = _show(title, variants, results, peak, task.photos)
            yield {"pixels": side * side, "photos": task.photos, "results": described}


def _show(
    title: str,
    variants: list[Variant],
    results: Any,
    peak: Peak,
    units: int,
) -> dict[str, Any]:
    described = report.describe(variants, results, peak, units)
    print(f"\n{title}\n{report.table(described)}")  # noqa: T201
    return described


def _heading(machine: dict[str, Any]) -> str:
    rates = ", ".join(f"{rate:.0f} in {name}" for name, rate in machine["peak_gmacs"].items())
    return (
        f"{machine['gpu'] or machine['processor']}, {machine['threads']} threads,"
        f" torch {machine['torch']}; peak GMAC/s: {rates}; {machine['peak_copy_gbytes']:.0f} GB/s"
    )


def _precisions(args: argparse.Namespace) -> list[str]:
    if args.precision:
        return list(args.precision)
    if args.device != "cpu":
        return ["32", "tf32", "bf16"]
    return ["32", "bf16"] if cpu_has_bf16() else ["32"]


def _sides(text: str) -> tuple[int, int]:
    """``512`` or ``1080x1920`` (height x width)."""
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdigit() and int(part) >= 16 for part in parts):
        raise UserError(f'--size "{text}" must be like 512 or 1080x1920, of 16 pixels or more')
    return int(parts[0]), int(parts[-1])


@contextmanager
def _or_else(given: Path | None, package: str, name: str) -> Iterator[Path]:
    """``given``, or else the picture ``name`` that comes with ``package``."""
    if given is not None:
        yield given
        return
    with as_file(files(package) / name) as path:
        yield path


def _draw_photos(folder: Path, count: int = 64) -> Path:
    pictures = DeadLeaves(count, 640)
    for index in range(count):
        pixels = to_unit(pictures.center_crop(index))[:, :480]
        save_picture(Picture(pixels), folder / f"{index}.jpg", quality=90)
    return folder
