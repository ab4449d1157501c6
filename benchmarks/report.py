"""Measurements as a table for people, JSON for programs and curves for the pages."""

import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import torch

from benchmarks.measure import Measurement, Spread, Variant, Work, stopwatch, use_tf32
from faststyle.core.devices import cpu_has_bf16, cpu_name

mpl.use("Agg")
import matplotlib.pyplot as plt


class Peak(NamedTuple):
    """What this machine reached: multiply-adds a second by precision, bytes a second in a copy."""

    macs: dict[str, float]
    copy: float


@torch.no_grad()
def measure_peak(device: str = "cpu") -> Peak:
    """The best of several large matrix products, convolutions and copies.

    Convolutions are measured too, since some libraries do them faster than matrix products.
    """
    gpu = device.startswith("cuda")
    source = torch.ones((1 << 28) if gpu else (1 << 26), device=device)
    target = torch.empty_like(source)
    copy = 2 * source.nbytes / _least_seconds(lambda: target.copy_(source), device)
    precisions = ("32", "tf32", "bf16") if gpu else ("32", "bf16")
    return Peak({name: _multiply_adds_a_second(name, device) for name in precisions}, copy)


def _multiply_adds_a_second(precision: str, device: str) -> float:
    gpu = device.startswith("cuda")
    emulated = precision == "bf16" and not gpu and not cpu_has_bf16()
    large = 8192 if gpu else 256 if emulated else 2048  # emulation takes 500 times as long
    use_tf32(precision)
    kind: Any = {"device": device, "dtype": torch.bfloat16 if precision == "bf16" else None}
    a, x = torch.randn(large, large, **kind), torch.randn(1, 128, large // 8, large // 8, **kind)
    conv = torch.nn.Conv2d(128, 128, 3, padding=1, **kind).to(memory_format=torch.channels_last)
    x = x.contiguous(memory_format=torch.channels_last)
    of_conv = 9 * 128 * x.numel() / _least_seconds(lambda: conv(x), device)
    return max(large**3 / _least_seconds(lambda: a @ a, device), of_conv)


def _least_seconds(run: Callable[[], object], device: str) -> float:
    laps = []
    for _ in range(4):
        with stopwatch(device) as lap:
            run()
        laps.append(lap.seconds)
    return min(laps)


def describe_machine(peak: Peak) -> dict[str, Any]:
    """What the figures were measured on; peaks are per second."""
    return {
        "processor": cpu_name(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "peak_gmacs": {precision: round(rate / 1e9, 1) for precision, rate in peak.macs.items()},
        "peak_copy_gbytes": round(peak.copy / 1e9, 1),
    }


def describe(
    variants: Sequence[Variant], results: Mapping[str, Measurement], peak: Peak, pictures: int
) -> dict[str, Any]:
    """Everything about one comparison as plain values; a round is of so many ``pictures``."""
    first, described = results[variants[0].name], {}
    for name, _, precision in variants:
        result = results[name]
        total = Spread.of(result.totals)
        described[name] = {
            "seconds": total._asdict(),
            "pictures_per_second": pictures / total.median,
            "times_as_fast": result.times_as_fast(first)._asdict(),
            "memory_bytes": result.memory,
            "stages": {
                stage: _stage(result.work[stage], seconds, peak.macs[precision], peak.copy)
                for stage, seconds in result.seconds.items()
            },
        }
    return described


def _stage(work: Work, seconds: Sequence[float], macs: float, copy: float) -> dict[str, float]:
    median = Spread.of(seconds).median
    return {
        "seconds": median,
        "gmacs": work.macs / 1e9,
        "gbytes": work.bytes / 1e9,
        "of_peak_macs": work.macs / median / macs,
        "of_peak_bytes": work.bytes / median / copy,
    }


def table(described: Mapping[str, Any]) -> str:
    """Lines of text: each variant, then its stages."""
    lines = []
    for name, value in described.items():
        median, low, high = map(_time, value["seconds"].values())
        ratio = value["times_as_fast"]
        lines.append(
            f"{name:20} {median} ({low} to {high}), {value['pictures_per_second']:.2f} pictures/s,"
            f" {ratio['median']:.2f} times ({ratio['low']:.2f} to {ratio['high']:.2f}),"
            f" {value['memory_bytes'] / 2**20:.0f} MiB"
        )
        lines += [
            f"  {stage:20} {_time(part['seconds'])} {part['gmacs']:9.2f} GMAC"
            f" {part['of_peak_macs']:5.0%} of peak {part['gbytes']:8.2f} GB"
            f" {part['of_peak_bytes']:5.0%} of peak"
            for stage, part in value["stages"].items()
            if part["gbytes"]
        ]
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"


def plot(runs: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Of one run the losses of its steps; of several their costs against pixels or batch size."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    x = "batch_size" if len({run["pixels"] for run in runs}) == 1 else "pixels"
    for name in runs[0]["results"]:
        rows = [run["results"][name] for run in runs]
        if len(runs) > 1:
            at = [run[x] for run in runs]
            axes[0].loglog(at, [row["seconds"]["median"] for row in rows], "o-", label=name)
            axes[1].loglog(at, [row["memory_bytes"] / 2**30 for row in rows], "o-", label=name)
        elif "losses" in runs[0]:
            axes[0].semilogy(runs[0]["losses"][name], label=name)
    several = len(runs) > 1
    axes[0].set(xlabel=x if several else "step", ylabel="seconds" if several else "training loss")
    axes[1].set(xlabel=x, ylabel="memory, GiB", visible=several)
    axes[0].legend()
    figure.savefig(path, dpi=110)
