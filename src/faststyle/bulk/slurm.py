"""``--engine slurm``: an array of jobs, each of which does its part of the shards as locally.

What else the jobs need is for sbatch's own variables: SBATCH_PARTITION, SBATCH_GPUS and so on.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import submitit

from faststyle.bulk import local
from faststyle.bulk.manifest import Manifest, ShardResult
from faststyle.bulk.plan import Shard
from faststyle.bulk.shard import WorkerConfig
from faststyle.core.errors import UserError
from faststyle.core.interrupts import catch_interrupts
from faststyle.core.storage import Folder

#: Logs of the jobs, and what they are to do; on a disk that all machines share.
FOLDER = Path("outputs", "stylize_slurm")
_SECONDS, _LOOK_SELDOM, _PATIENCE = 2.0, 20, 60.0
#: Of each job, as in configs/hydra/launcher/slurm.yaml.
_CORES, _MINUTES, _NOTICE = 4, 240, 120
#: What is not done when a job's time is over is for its next turn, of so many.
_MANY = 10_000


class Part(submitit.helpers.Checkpointable):
    """A job of the array, which goes on in another when its time is over.

    It is one process after another, if a photo ends one.
    """

    def __call__(self, shards: Sequence[Shard], config: WorkerConfig) -> None:
        """Do what of the shards is not done yet."""
        done = set(Manifest(Folder(config.output)).names())
        rest = [shard for shard in shards if f"{shard.name}.json" not in done]
        with catch_interrupts("picture") as interrupts:
            for _ in local.work(rest, config, lambda: interrupts.received is not None):
                pass


def work(
    shards: Sequence[Shard], config: WorkerConfig, should_stop: Callable[[], bool]
) -> Iterator[ShardResult]:
    """Yield what became of each shard, as its notes appear.

    A photo that ends processes is found as in :mod:`faststyle.bulk.engine`. A job whose
    machine is lost is started again by SLURM.

    Raises ``UserError`` if there is no SLURM here, or if jobs fail.
    """
    if shutil.which("srun") is None:
        raise UserError("there is no SLURM here (no srun): --engine ray or local")
    manifest = Manifest(Folder(config.output))
    seen, missing = set(manifest.names()), sum(len(shard.tasks) for shard in shards)
    jobs = _submit(shards, config)
    pause = _SECONDS
    while missing:
        time.sleep(pause)
        if should_stop():
            _cancel(jobs)
        ended = all(job.done() for job in jobs)
        start = time.monotonic()
        new = [name for name in manifest.names() if name not in seen]
        for result in manifest.results(new):
            missing -= len(result)
            yield result
        seen.update(new)
        if ended:
            break
        # Looking is not for nothing where there are a hundred thousand files.
        pause = max(_SECONDS, _LOOK_SELDOM * (time.monotonic() - start))
    if missing and not should_stop():
        lost = [job for job in jobs if job.exception() is not None]
        raise UserError(
            f"{len(lost)} of {len(jobs)} jobs ended too soon; the same command does the rest, and"
            f" {FOLDER} has their logs"
        )


def _submit(shards: Sequence[Shard], config: WorkerConfig) -> list[Any]:
    """One job for each of ``config.workers``, every so many shards to it."""
    executor = submitit.AutoExecutor(FOLDER / "%j", cluster="slurm", slurm_max_num_timeout=_MANY)
    executor.update_parameters(
        name="faststyle",
        timeout_min=_MINUTES,
        cpus_per_task=_CORES,
        slurm_array_parallelism=config.workers,
        slurm_signal_delay_s=_NOTICE,
        stderr_to_stdout=True,
    )
    alone = replace(config, workers=1)
    count = min(config.workers, len(shards))
    with executor.batch():
        part: Any = Part()  # type: ignore[no-untyped-call]
        return [executor.submit(part, shards[at::count], alone) for at in range(count)]


def _cancel(jobs: Sequence[Any]) -> None:
    """End the jobs, each after the picture in hand."""
    for job in jobs:
        job.cancel(check=False)
    deadline = time.monotonic() + _PATIENCE
    while not all(job.done() for job in jobs) and time.monotonic() < deadline:
        time.sleep(_SECONDS)
