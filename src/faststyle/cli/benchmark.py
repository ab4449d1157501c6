"""``faststyle benchmark train --against reference``: how fast faststyle is here.

Five tasks: train (a training step), infer (stylizing one photo), optimize (an iteration of
optimizing a picture), data (loading photos) and start (the commands themselves). Variants take
turns; the ratios are those of neighboring rounds.
"""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from faststyle.core.atomic import atomic_write


def add_arguments(parser: ArgumentParser) -> None:
    """What is measured, and against what."""
    parser.add_argument("task", choices=("train", "infer", "optimize", "data", "start"))
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
    train = parser.add_argument_group("train and optimize")
    train.add_argument("--batch-size", nargs="+", type=int, default=[4])
    train.add_argument("--encoder", default="vgg19")
    train.add_argument("--weights", default="random", help="imagenet, random, or a file")
    train.add_argument("--style", type=Path, help="picture; default: the flow field")
    infer = parser.add_argument_group("infer and optimize")
    infer.add_argument("--ckpt", help="a style's name or file; default: random weights")
    infer.add_argument("--photo", type=Path, help="default: scikit-image's astronaut")


def run(args: Namespace) -> None:
    """Measure, and print tables."""
    # Imported late: --help should not wait for torch.
    from faststyle.benchmark.suite import run_benchmark

    report = run_benchmark(args)
    if args.json:
        with atomic_write(args.json) as temporary:
            temporary.write_text(json.dumps(report, indent=1))
