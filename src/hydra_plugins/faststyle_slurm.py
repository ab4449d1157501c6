"""``hydra/launcher=slurm``: each run of a sweep is a job of SLURM's, by submitit.

Hydra takes launchers from packages of this name alone.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from itertools import count, repeat
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn

log = logging.getLogger(__name__)

#: Parameters of all of submitit's executors; others are for sbatch.
_COMMON = {
    *("name", "timeout_min", "nodes", "tasks_per_node", "gpus_per_node", "cpus_per_task"),
    *("mem_gb", "stderr_to_stdout"),
}


class SlurmLauncher(BasicLauncher):
    """Submits the runs as one array, and waits for all of them.

    Args:
        submitit_folder: of logs, and of what the jobs are to do; all machines must see it.
        max_num_timeout: how often submitit gives another turn to a run that is not training yet
            when its time is over. A training asks SLURM itself.
        cluster: ``slurm``; without one ``local`` (processes) or ``debug`` (this process).
        parameters: the other settings of ``configs/hydra/launcher/slurm.yaml``.
    """

    def __init__(
        self, submitit_folder: str, max_num_timeout: int, cluster: str, **parameters: Any
    ) -> None:
        super().__init__()
        self.folder, self.max_num_timeout, self.cluster = submitit_folder, max_num_timeout, cluster
        self.parameters = {
            name if name in _COMMON else f"slurm_{name}": value
            for name, value in parameters.items()
        }

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Raise ``UserError`` if submitit or SLURM is missing, or if runs fail."""
        from faststyle.core.errors import UserError, needs_extra

        # What a training takes for the end of its time; submitit and the jobs read it here.
        os.environ.setdefault("SUBMITIT_PREEMPT_SIGNAL", "USR1")
        with needs_extra("slurm"):
            import submitit
        try:
            executor = submitit.AutoExecutor(
                self.folder, cluster=self.cluster, slurm_max_num_timeout=self.max_num_timeout
            )
            executor.update_parameters(**self.parameters)
            state = Singleton.get_state()
            jobs = executor.map_array(self, job_overrides, count(initial_job_idx), repeat(state))
        except (AssertionError, RuntimeError, ValueError) as error:
            raise UserError(f"hydra/launcher=slurm: {error}") from None
        log.info("%d jobs: %s", len(jobs), ", ".join(job.job_id for job in jobs))
        if self.cluster == "local":
            for job in jobs:
                job._results_timeout_s = 0  # no file system of others is late with results
        if failed := [job for job in jobs if job.exception() is not None]:
            raise UserError(
                f"{len(failed)} of {len(jobs)} jobs failed; one's log: {failed[0].paths.stderr}"
            )
        return [job.result() for job in jobs]

    def __call__(
        self, overrides: Sequence[str], number: int, state: Mapping[Any, Any]
    ) -> JobReturn:
        """Do one run, in a job."""
        Singleton.set_state(state)
        return super().launch([overrides], number)[0]

    def checkpoint(self, *run: Any) -> Any:
        """The run once more, in another turn of the job."""
        import submitit

        return submitit.helpers.DelayedSubmission(self, *run)
