"""Where runs live: their names and folders, and which of them a run goes on from."""

import os
from datetime import datetime
from pathlib import Path

import psutil

from faststyle.core.errors import UserError

OUTPUTS = Path("outputs")
#: Inside a run's folder: what ``resume=last`` goes on from.
LAST_CHECKPOINT = Path("checkpoints", "last.ckpt")


def run_name(style: str, resume: str | None, job: int | str = "") -> str:
    """``STYLE/DATE_TIME`` for a new run; that of the style's newest run for ``resume=last``.

    A resumed run so goes on in its own folder, log and TensorBoard curve. All processes of a run
    agree, also those that SLURM or torchrun starts, and so do the turns of a job of SLURM's or of
    a run of torchrun's on several machines, which are called by their number or name instead.

    Raises ``UserError`` if torchrun starts it on several machines, and they share no name for it.
    """
    style = style.replace("${", "__")  # Hydra would read the folder's name as code
    if resume == "last":
        found = list((OUTPUTS / style).glob(f"*/{LAST_CHECKPOINT.as_posix()}"))
        if found:
            newest = max(found, key=lambda path: path.stat().st_mtime)
            return newest.parent.parent.relative_to(OUTPUTS).as_posix()
    suffix = f"_{job}" if str(job) else ""
    return f"{style}/{_common_name()}{suffix}"


def _common_name() -> str:
    """What every process of this run can call it without asking the others."""
    if "SLURM_JOB_ID" in os.environ:
        return f"slurm_{os.environ['SLURM_JOB_ID']}"
    torchrun = os.environ.get("TORCHELASTIC_RUN_ID")
    if torchrun and os.environ["GROUP_WORLD_SIZE"] != "1":  # machines
        if torchrun == "none":
            raise UserError("torchrun on several machines needs --rdzv_id=NAME, equal on all")
        return torchrun
    begun = datetime.now()
    if torchrun:  # the parent of all processes
        begun = datetime.fromtimestamp(psutil.Process(os.getppid()).create_time())
    return f"{begun:%Y-%m-%d_%H-%M-%S}"


def find_resume(resume: str | None, style: str, output_dir: Path) -> Path | None:
    """The checkpoint that ``resume`` means, or none to begin anew.

    It is none; a path; ``last`` of the style's newest run, whose folder is ``output_dir``; or
    ``auto``, which goes on if this very run has begun before, as jobs do that a scheduler starts
    again. Raises ``UserError`` if there is no such file.
    """
    if not resume:
        return None
    is_named = resume not in ("last", "auto")
    path = Path(resume).expanduser() if is_named else output_dir / LAST_CHECKPOINT
    if path.is_file():
        return path
    if resume == "auto":
        return None
    if is_named:
        raise UserError(f"no such checkpoint to resume from: {path}")
    raise UserError(f'no earlier run of style "{style}" to resume in {output_dir.parent}')
