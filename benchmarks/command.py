"""The command of ``faststyle benchmark``: what it checks, measures and prints."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import nn

from benchmarks import data, infer, optimize, report, train
from benchmarks.measure import Job, compare
from benchmarks.reference import reference_network
from benchmarks.report import Peak, measure_peak
from benchmarks.settings import Settings
from benchmarks.start import measure_start
from faststyle.config.compose import CONFIGS, compose_config, instantiate
from faststyle.core.atomic import atomic_write, check_target
from faststyle.core.errors import UserError, nearest
from faststyle.core.limits import OneOf
from faststyle.data.folder import find_photos
from faststyle.export import BACKENDS
from faststyle.styles import TrainedStyle, open_style

JOBS = {"train": train.jobs, "infer": infer.jobs, "optimize": optimize.jobs, "data": data.jobs}
TASKS = (*JOBS, "start")


def benchmark(task: Annotated[str, OneOf(TASKS)], *, settings: Settings) -> None:
    """Measure, print tables, and write the same and more as JSON. Raises ``UserError``."""
    style = _check(task, settings)
    result: dict[str, Any] = {"task": task}
    if task == "start":
        spreads = measure_start(settings.rounds)
        for name, (median, low, high) in spreads.items():
            print(f"{name:26} {median:.2f} s ({low:.2f} to {high:.2f})")
        result["seconds"] = {name: spread._asdict() for name, spread in spreads.items()}
    else:
        peak = measure_peak(settings.device)
        result["machine"] = report.describe_machine(peak)
        print(", ".join(f"{name} {value}" for name, value in result["machine"].items()))
        with tempfile.TemporaryDirectory() as folder:
            jobs = JOBS[task](settings, style, Path(folder))
            result["runs"] = [_run(task, job, settings, peak) for job in jobs]
        if settings.plot:
            report.plot(result["runs"], settings.plot)
    if settings.json:
        with atomic_write(settings.json) as temporary:
            temporary.write_text(json.dumps(result, indent=1))


def _run(task: str, job: Job, settings: Settings, peak: Peak) -> dict[str, Any]:
    """What came of a job, as plain values; its table is printed."""
    results = compare(job.variants, settings.rounds, settings.device)
    described = report.describe(job.variants, results, peak, job.pictures)
    print(f"\n{job.title}\n{report.table(described)}")
    run = {**job.extra, "results": described}
    if task == "train":
        run["losses"] = {name: each.result for name, each in results.items()}
    if task == "infer":
        for name, each in results.items():
            found = infer.difference(results[job.variants[0].name].result, each.result)
            described[name] |= found
            mean, largest, ssim = found.values()
            print(
                f"{name:20} differs by {mean:.3f}/255 in the mean, {largest:.2f} at most,"
                f" SSIM {ssim:.5f}"
            )
    return run


def _check(task: str, settings: Settings) -> TrainedStyle:
    """The style to be measured; whatever is wrong is said before minutes of measuring."""
    if settings.device.startswith("cuda") and not torch.cuda.is_available():
        raise UserError("there is no GPU here: leave out --device")
    if settings.device == "cpu" and "tf32" in settings.precisions:
        raise UserError("--precision tf32 is for GPUs")
    for path in filter(None, (settings.json, settings.plot)):
        read = settings.photo, settings.style, settings.ckpt, settings.weights
        check_target(path, [Path(given) for given in read if given])
    if settings.plot and settings.plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UserError(f"--plot {settings.plot}: the name must end in .png, .svg or .pdf")
    for name in settings.against:
        _check_against(task, name, settings)
    if task == "train" and len(settings.size) > 1 and len(settings.batch_size) > 1:
        raise UserError("vary --size or --batch-size, not both: one curve has one axis")
    if settings.photos:
        find_photos(settings.photos)
    network = _network(settings.network)
    return open_style(settings.ckpt) if settings.ckpt else TrainedStyle(network)


def _check_against(task: str, name: str, settings: Settings) -> None:
    known = ("reference", *infer.RUNTIMES)
    if name not in known:
        raise UserError(f'--against "{name}": {nearest(name, known)}')
    if name == "reference":
        return
    if task != "infer" or settings.device != "cpu":
        raise UserError(f"--against {name} is for stylizing on the CPU: infer")
    for height, width in settings.size:
        if height % 4 or width % 4:
            raise UserError(f"--size {height}x{width}: --against {name} takes multiples of 4")
    try:
        BACKENDS.build(infer.RUNTIMES[name][0]).check_installed()
    except UserError as error:
        raise UserError(f"--against {name}: {error}") from None


def _network(name: str) -> nn.Module:
    """That of ``configs/network``, with random weights."""
    known = [path.stem for path in (CONFIGS / "network").glob("*.yaml")]
    if name not in known:
        raise UserError(f'there is no network "{name}": {nearest(name, known)}')
    torch.manual_seed(0)
    network: nn.Module = instantiate(compose_config("train", [f"network={name}"]).network)
    try:
        reference_network(network)
    except UserError as error:
        raise UserError(f"--network {name}: {error}") from None
    return network
