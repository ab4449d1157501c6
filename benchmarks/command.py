"""The command line of ``faststyle benchmark``, and what it prints."""

import json
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from benchmarks import data, infer, optimize, report, train
from benchmarks.compare import Variant, compare
from benchmarks.start import measure_start
from benchmarks.work import Peak, measure_peak
from faststyle.config.compose import CONFIGS, compose_config
from faststyle.core.assets import bundled_file
from faststyle.core.atomic import atomic_write, check_target
from faststyle.core.devices import cpu_has_bf16
from faststyle.core.errors import UserError, nearest
from faststyle.data.folder import find_photos
from faststyle.styles import open_style

TASKS = ("train", "infer", "optimize", "data", "start")


def add_arguments(parser: ArgumentParser) -> None:
    """What is measured, and against what."""
    parser.add_argument("task", choices=TASKS)
    parser.add_argument(
        "--against",
        nargs="+",
        default=(),
        metavar="WAY",
        help="reference (the textbook way); infer: also onnxruntime, openvino, executorch, litert,"
        " and -int8 of these but openvino",
    )
    parser.add_argument("--rounds", type=int, default=7, help="that count, of each variant")
    parser.add_argument(
        "--precision", nargs="+", choices=("32", "tf32", "bf16"), help="default: all that pay"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1")
    parser.add_argument("--compile", metavar="MODE", help="torch.compile: default, max-autotune")
    parser.add_argument("--network", default="johnson", help="johnson, small: configs/network")
    parser.add_argument("--photos", type=Path, help="folder; default: drawn pictures")
    parser.add_argument("--json", type=Path, help="write every figure there")
    parser.add_argument("--plot", type=Path, help="train: losses; several sizes: costs (.png)")
    parser.add_argument("--size", nargs="+", default=["256"], help="pixels: 512 or 1080x1920 (HxW)")
    of_training = parser.add_argument_group("train and optimize")
    of_training.add_argument("--batch-size", nargs="+", type=int, default=[4])
    of_training.add_argument("--encoder", default="vgg19")
    of_training.add_argument("--weights", default="random", help="imagenet, random, or a file")
    of_training.add_argument("--style", type=Path, help="picture; default: the flow field")
    of_stylizing = parser.add_argument_group("infer and optimize")
    of_stylizing.add_argument("--ckpt", help="a style's name or file; default: random weights")
    of_stylizing.add_argument("--photo", type=Path, help="default: scikit-image's astronaut")


def run(args: Namespace) -> None:
    """Measure, print tables, and write the same and more as JSON. Raises ``UserError``."""
    network = _check(args)
    if args.task == "start":
        result = _start(args)
    else:
        peak = measure_peak(args.device)
        result = {"task": args.task, "machine": report.machine(peak)}
        print(report.heading(result["machine"]))
        result["runs"] = list(Runner(args, peak, network).runs())
        if args.plot:
            report.plot(result["runs"], args.plot)
    if args.json:
        with atomic_write(args.json) as temporary:
            temporary.write_text(json.dumps(result, indent=1))


def _start(args: Namespace) -> dict[str, Any]:
    spreads = measure_start(args.rounds)
    for name, spread in spreads.items():
        print(f"{name:26} {spread.median:.2f} s ({spread.low:.2f} to {spread.high:.2f})")
    return {"task": "start", "seconds": {name: vars(spread) for name, spread in spreads.items()}}


class Runner:
    """Measures a task at every size, and prints a table of each.

    Args:
        args: of the command line.
        peak: what the machine reaches.
        network: ``width``, ``blocks`` and ``noise``.
    """

    def __init__(self, args: Namespace, peak: Peak, network: Mapping[str, Any]) -> None:
        self.args, self.peak, self.network = args, peak, network
        args.precision = _precisions(args)
        args.style = args.style or bundled_file("flow_field.png")
        if args.photo is None and args.task in ("infer", "optimize"):
            args.photo = Path(str(files("skimage") / "data" / "astronaut.png"))

    def runs(self) -> Iterator[dict[str, Any]]:
        """What came of each size, as plain values."""
        with tempfile.TemporaryDirectory() as folder:
            task = getattr(self, f"_{self.args.task}")
            for size in map(_sides, self.args.size):
                for run in task(size, Path(folder)):
                    yield {"pixels": size[0] * size[1], **run}

    def _train(self, size: infer.Size, _: Path) -> Iterator[dict[str, Any]]:
        side = size[0]
        for batch in self.args.batch_size:
            variants = train.variants(self.args, self.network, side, batch)
            title = f"training step, batch of {batch}, {side} x {side}, {self.args.encoder}"
            run, losses = self._measure(title, variants, batch)
            yield {"batch_size": batch, **run, "losses": losses}

    def _infer(self, size: infer.Size, folder: Path) -> Iterator[dict[str, Any]]:
        variants = infer.variants(self.args, self.network, size, folder)
        run, pictures = self._measure(f"stylizing {size[1]} x {size[0]}", variants)
        first = pictures[variants[0].name]
        for name, picture in pictures.items():
            found = infer.difference(first, picture)
            run["results"][name] |= found
            print(
                f"{name:20} differs by {found['mean_difference_255']:.3f}/255 in the mean,"
                f" {found['largest_difference_255']:.2f} at most, SSIM {found['ssim']:.5f}"
            )
        yield run

    def _optimize(self, size: infer.Size, _: Path) -> Iterator[dict[str, Any]]:
        variants = optimize.variants(self.args, size)
        yield self._measure(f"optimizing {size[1]} x {size[0]}", variants)[0]

    def _data(self, size: infer.Size, folder: Path) -> Iterator[dict[str, Any]]:
        root = folder / "photos"
        if not root.exists():
            root.mkdir()
            given = self.args.photos or data.draw_photos(folder / "drawn")
            (root / "all").symlink_to(given.resolve())
        side, count = size[0], data.count_photos(root)
        variants = data.variants(root, side, bool(self.args.against))
        title = f"loading {count} photos as {side} x {side} crops, one core"
        yield {"photos": count, **self._measure(title, variants, count)[0]}

    def _measure(
        self, title: str, variants: list[Variant], pictures: int = 1
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The figures of all variants, of rounds of so many pictures, and what each came to."""
        results = compare(variants, self.args.rounds, self.args.device)
        described = report.describe(variants, results, self.peak, pictures)
        print(f"\n{title}\n{report.table(described)}")
        return {"results": described}, {name: each.result for name, each in results.items()}


def _check(args: Namespace) -> dict[str, int]:
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
    return _network_options(args.network)


def _check_against(args: Namespace) -> None:
    known = ("reference", *infer.RUNTIMES)
    for name in args.against:
        if name not in known:
            raise UserError(f'--against "{name}": {nearest(name, known)}')
        if name == "reference":
            continue
        if args.task != "infer" or args.device != "cpu":
            raise UserError(f"--against {name} is for stylizing on the CPU: infer")
        for text in args.size:
            if any(side % 4 for side in _sides(text)):
                raise UserError(f"--size {text}: --against {name} takes multiples of 4")
        infer.check_runtime(name)


def _network_options(name: str) -> dict[str, int]:
    known = [path.stem for path in (CONFIGS / "network").glob("*.yaml")]
    if name not in known:
        raise UserError(f'there is no network "{name}": {nearest(name, known)}')
    config = compose_config("train", [f"network={name}"]).network
    if (config.norm, config.upsample, config.padding) != ("instance", "resize", "reflect"):
        raise UserError(
            f"--network {name}: the reference has instance norm, reflection and resize-convolution"
            " only"
        )
    return {"width": config.width, "blocks": config.blocks, "noise": config.noise}


def _precisions(args: Namespace) -> list[str]:
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
