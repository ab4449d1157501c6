import errno
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from faststyle.core.errors import UserError
from faststyle.training.engine.stopping import translate_failures

TRAINER: Any = SimpleNamespace(global_step=7)


class Failing(Dataset[int]):
    def __getitem__(self, index: int) -> int:
        raise UserError(f"photo {index} is on fire: call someone")

    def __len__(self) -> int:
        return 1


def test_an_error_in_a_loader_process_is_its_message_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error, translate_failures(TRAINER, tmp_path):
        next(iter(DataLoader(Failing(), num_workers=1)))
    assert str(error.value) == "photo 0 is on fire: call someone"


def test_errors_of_the_training_itself_stay_as_they_are(tmp_path: Path) -> None:
    for whole in ("a: b", "the loss: nan"):
        with pytest.raises(UserError, match=f"^{whole}$"), translate_failures(TRAINER, tmp_path):
            raise UserError(whole)
    with (
        pytest.raises(OSError, match=r"^the system said nothing$"),
        translate_failures(TRAINER, tmp_path),
    ):
        raise OSError("the system said nothing")
    for whole in ("shapes differ", "NCCL error: remote process exited: Connection reset by peer"):
        with pytest.raises(RuntimeError, match=f"^{whole}$"), translate_failures(TRAINER, tmp_path):
            raise RuntimeError(whole)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("DataLoader worker (pid 99) is killed by signal: Killed. ", "a loader process"),
        ("DataLoader worker (pid(s) 99) exited unexpectedly", "a loader process"),
        ("DataLoader worker (pid 99) is killed by signal: Bus error. ", "/dev/shm is too small"),
        ("unable to open shared memory object </torch_1> in read-write mode", "/dev/shm cannot be"),
        ("[gloo/transport/tcp/pair.cc:561] Connection closed by peer", "another process"),
        ("unable to allocate shared memory(shm) for file </torch_1_2_3>: No space", "/dev/shm is"),
    ],
)
def test_a_process_that_died_is_one_line(tmp_path: Path, said: str, told: str) -> None:
    with (
        pytest.raises(UserError, match=f"^{told}.* at step 7"),
        translate_failures(TRAINER, tmp_path),
    ):
        raise RuntimeError(said)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"),
    ],
)
def test_too_little_memory_is_one_line_that_says_what_to_lower(
    tmp_path: Path, error: Exception
) -> None:
    expected = r"^memory ended at step 7: lower data\.batch_size or data\.size"
    with pytest.raises(UserError, match=expected), translate_failures(TRAINER, tmp_path):
        raise error


def _log_as_lightning_does(error: Exception) -> None:
    raise ValueError("you tried to log 0.4 which is currently not supported") from error


def test_a_process_that_died_is_one_line_whatever_it_interrupted(tmp_path: Path) -> None:
    died = RuntimeError("DataLoader worker (pid 99) is killed by signal: Killed. ")
    with (
        pytest.raises(UserError, match=r"^a loader process"),
        translate_failures(TRAINER, tmp_path),
    ):
        _log_as_lightning_does(died)


def _exit_as_lightning_does() -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        sys.exit(1)


def test_ctrl_c_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), translate_failures(TRAINER, tmp_path):
        _exit_as_lightning_does()
    with pytest.raises(SystemExit), translate_failures(TRAINER, tmp_path):
        sys.exit(3)


def _log_and_flush(error: Exception) -> None:
    try:
        _log_as_lightning_does(error)
    finally:
        raise error  # again, as TensorBoard's writer does


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("fail", [_log_as_lightning_does, _log_and_flush])
def test_a_disk_that_takes_no_more_is_told_through_the_errors_that_others_make_of_it(
    tmp_path: Path, fail: Callable[[Exception], None], number: int
) -> None:
    with pytest.raises(OSError, match=str(tmp_path)), translate_failures(TRAINER, tmp_path):
        fail(OSError(number, "it is full"))


def test_a_full_disk_is_told_once_and_with_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(error: Exception) -> None:
        raise error

    def fail_in_threads_and_here() -> None:
        for error in (full, ValueError("a bug")):
            thread = threading.Thread(target=fail, args=[error])
            thread.start()
            thread.join()
        fail(full)

    with pytest.raises(OSError, match=str(tmp_path)), translate_failures(TRAINER, tmp_path):
        fail_in_threads_and_here()
    assert [failed.exc_type for failed in reported] == [ValueError]
    assert threading.excepthook == reported.append
