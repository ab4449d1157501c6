"""Where runs live: their names and folders, and which of them a run goes on from."""

import hashlib
import itertools
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psutil

from faststyle.core.errors import UserError

log = logging.getLogger(__name__)

OUTPUTS = Path("outputs")
#: Inside a run's folder: what ``resume=last`` goes on from.
LAST_CHECKPOINT = Path("checkpoints", "last.ckpt")
#: Inside a run's folder: which run claimed it.
_CLAIM = ".run"
#: How long other processes wait for the first of a run to claim a folder, which machines that share
#: no disk never see.
_CLAIM_SECONDS = 20.0
#: Flags of Hydra's that show settings and run nothing.
_SHOWS = {
    "--cfg",
    "-c",
    "--info",
    "-i",
    "--help",
    "-h",
    "--hydra-help",
    "--shell-completion",
    "-sc",
}


def run_name(style: str, resume: str | None, job: int | str = "") -> str:
    """``STYLE/DATE_TIME`` for a new run; that of the style's newest run for ``resume=last``.

    A resumed run so goes on in its own folder, log and TensorBoard curve. All processes of a run
    agree, also those that SLURM or torchrun starts, and so do the turns of a job of SLURM's or of
    a run of torchrun's on several machines, which are called by their number or name instead.

    The folder is claimed: where another run has it, the name gets a number, ``DATE_TIME_2``.

    Raises ``UserError`` if torchrun starts it on several machines, and they share no name for it.
    """
    style = style.replace("${", "__")  # Hydra would read the folder's name as code
    if resume == "last":
        found = list((OUTPUTS / style).glob(f"*/{LAST_CHECKPOINT.as_posix()}"))
        if found:
            newest = max(found, key=lambda path: path.stat().st_mtime)
            return newest.parent.parent.relative_to(OUTPUTS).as_posix()
    suffix = f"_{job}" if str(job) else ""
    name = f"{style}/{_common_name()}{suffix}"
    if _SHOWS & set(sys.argv):
        return name
    claim = _claim if _is_first_process() else _find_claim
    return claim(name, resume == "auto")


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


def _claim(name: str, goes_on: bool) -> str:
    """The first of NAME, NAME_2 and so on that no other run has; it is this run's from now on.

    A run that ``goes_on`` where it began takes what it claimed before, or a version did that left
    no claims.
    """
    identity = _identity(goes_on)
    for candidate in _candidates(name):
        folder = OUTPUTS / candidate
        if _make_claimed(folder, identity):
            if candidate != name:
                log.warning("%s is another run's: this run is %s", OUTPUTS / name, folder)
            return candidate
        if goes_on and _owner(folder) in ("", identity):
            return candidate
    raise AssertionError("candidates have no end")


def _make_claimed(folder: Path, identity: str) -> bool:
    """Whether ``folder`` was free, and is there now with the claim in it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as made:
        claimed = Path(made, "run")
        claimed.mkdir()
        Path(claimed, _CLAIM).write_text(identity)
        try:
            claimed.rename(folder)
        except OSError:  # something is there; only an empty folder is replaced
            return False
    return True


def _find_claim(name: str, goes_on: bool) -> str:
    """What the first process of this run has claimed; the name itself where no disk is shared."""
    identity, end = _identity(goes_on), time.monotonic() + _CLAIM_SECONDS
    while time.monotonic() < end:
        for candidate in itertools.takewhile(lambda x: (OUTPUTS / x).exists(), _candidates(name)):
            if _owner(OUTPUTS / candidate) == identity:
                return candidate
        time.sleep(0.1)
    return name


def _candidates(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in itertools.count(2))


def _owner(folder: Path) -> str:
    """Who claimed it; nobody, where a version did that left no claims."""
    try:
        return Path(folder, _CLAIM).read_text()
    except OSError:
        return ""


def _is_first_process() -> bool:
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"))


def _identity(goes_on: bool) -> str:
    """Equal in all processes of this run, and in its turns if it goes on; no other run has it."""
    names = ["SLURM_JOB_ID", "SLURM_STEP_ID", "TORCHELASTIC_RUN_ID"]
    if not goes_on:
        names += ["SLURM_RESTART_COUNT", "TORCHELASTIC_RESTART_COUNT"]
    parts = [f"{name}={os.environ.get(name)}" for name in names]
    torchrun = "TORCHELASTIC_RUN_ID" in os.environ
    if "SLURM_JOB_ID" not in os.environ and os.environ.get("GROUP_WORLD_SIZE", "1") == "1":
        process = psutil.Process(os.getppid() if torchrun else os.getpid())
        parts += [str(process.pid), str(process.create_time())]
    return hashlib.sha256(os.fsencode("\n".join([*parts, *sys.argv[1:]]))).hexdigest()


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
