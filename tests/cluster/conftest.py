"""A cluster of one node in a temporary folder: munge, slurmctld and slurmd, as Debian has them."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue")
CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=2,batch_sched_delay=0,requeue_delay=0
NodeName={host} NodeAddr=127.0.0.1 CPUs=4
PartitionName=all Nodes=ALL Default=YES State=UP
"""


@pytest.fixture(scope="session")
def slurm(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[dict[str, str]]:
    """The environment in which sbatch, srun and scontrol speak to the cluster."""
    if missing := [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]:
        pytest.skip(
            f"SLURM is not installed (apt install slurm-wlm munge): no {', '.join(missing)}"
        )
    if os.geteuid() != 0:
        pytest.skip("slurmd starts jobs for others, which takes root")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    ports = [free_port(), free_port()]
    config = CONFIG.format(host=socket.gethostname(), folder=folder, ports=ports)
    (folder / "slurm.conf").write_text(config)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": _path()}
    munge = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket"]
    munge += [f"--key-file={folder}/munge.key", f"--pid-file={folder}/munge.pid"]
    munge += [f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed"]
    processes = []
    try:
        for command in (munge, ["slurmctld", "-D", "-c"], ["slurmd", "-D", "-c"]):
            log = (folder / f"{command[0]}.out").open("w")
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            time.sleep(1)
        _wait_until_idle(environment, folder)
        yield environment
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _wait_until_idle(environment: dict[str, str], folder: Path) -> None:
    for _ in range(60):
        asked = subprocess.run(
            ["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, check=False
        )
        if asked.stdout.strip() == b"idle":
            return
        time.sleep(0.5)
    logs = "\n".join(path.read_text() for path in folder.glob("*.out"))
    pytest.fail(f"the cluster did not start\n{logs}")
