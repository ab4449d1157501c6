"""Measurements as a table for people, JSON for programs and curves for the pages."""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch

from benchmarks.compare import Measurement, Spread, Variant
from benchmarks.work import Peak, Work
from faststyle.core.devices import cpu_name

mpl.use("Agg")
import matplotlib.pyplot as plt


def machine(peak: Peak) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": cpu_name(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "peak_gmacs": {precision: rate / 1e9 for precision, rate in peak.macs.items()},
        "peak_copy_gbytes": peak.copy / 1e9,
    }


def heading(machine: Mapping[str, Any]) -> str:
    """The same in one line."""
    rates = ", ".join(f"{rate:.0f} in {name}" for name, rate in machine["peak_gmacs"].items())
    return (
        f"{machine['gpu'] or machine['processor']}, {machine['threads']} threads,"
        f" torch {machine['torch']}; peak GMAC/s: {rates}; {machine['peak_copy_gbytes']:.0f} GB/s"
    )


def describe(
    variants: Sequence[Variant], results: Mapping[str, Measurement], peak: Peak, pictures: int
) -> dict[str, Any]:
    """Everything about one comparison as plain values; a round is of so many ``pictures``."""
    first = results[variants[0].name]
    described = {}
    for variant in variants:
        result = results[variant.name]
        total = Spread.of(result.totals)
        described[variant.name] = {
            "seconds": vars(total),
            "pictures_per_second": pictures / total.median,
            "times_as_fast": vars(result.times_as_fast(first)),
            "memory_bytes": result.memory,
            "stages": {
                stage: _stage(result.work[stage], seconds, peak, variant.precision)
                for stage, seconds in result.seconds.items()
            },
        }
    return described


def _stage(work: Work, seconds: Sequence[float], peak: Peak, precision: str) -> dict[str, float]:
    median = Spread.of(seconds).median
    return {
        "seconds": median,
        "gmacs": work.macs / 1e9,
        "gbytes": work.bytes / 1e9,
        "of_peak_macs": work.macs / median / peak.macs[precision],
        "of_peak_bytes": work.bytes / median / peak.copy,
    }


def table(described: Mapping[str, Any]) -> str:
    """Lines of text: each variant, then its stages."""
    lines = []
    for name, value in described.items():
        seconds, ratio = value["seconds"], value["times_as_fast"]
        lines.append(
            f"{name:20} {_time(seconds['median'])} ({_time(seconds['low'])} to"
            f" {_time(seconds['high'])}), {value['pictures_per_second']:.2f} pictures/s,"
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
    if len(runs) > 1:
        by_batch = len({run["pixels"] for run in runs}) == 1
        _plot_costs(runs, "batch_size" if by_batch else "pixels", path)
    elif "losses" in runs[0]:
        _plot_losses(runs[0]["losses"], path)


def _plot_losses(losses: Mapping[str, Sequence[float]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, values in losses.items():
        axes.plot(values, label=name, linewidth=1)
    axes.set(xlabel="step", ylabel="training loss", yscale="log")
    axes.legend()
    figure.savefig(path, dpi=110)


def _plot_costs(costs: Sequence[Mapping[str, Any]], x: str, path: Path) -> None:
    """Seconds and memory against ``x``, both logarithmic, one curve for each variant."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    values = [cost[x] for cost in costs]
    for name in costs[0]["results"]:
        rows = [cost["results"][name] for cost in costs]
        panels[0].plot(values, [row["seconds"]["median"] for row in rows], "o-", label=name)
        panels[1].plot(values, [row["memory_bytes"] / 2**30 for row in rows], "o-", label=name)
    for axes, label in zip(panels, ("seconds", "memory, GiB"), strict=True):
        axes.set(xscale="log", yscale="log", xlabel=x.replace("_", " "), ylabel=label)
        axes.grid(alpha=0.3)
    panels[0].legend()
    figure.savefig(path, dpi=110)
