import subprocess
import sys

import pytest
import torch

from faststyle.core import devices

FAULTS = """
import resource, sys, torch
from faststyle.core.devices import reuse_freed_memory
if sys.argv[1] == "reuse":
    reuse_freed_memory()
torch.empty(2**25).zero_()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for size in (2**24, 2**23, 2**22):
    torch.empty(size).zero_()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(mode: str) -> int:
    output = subprocess.run(
        [sys.executable, "-c", FAULTS, mode], check=True, capture_output=True, text=True
    )
    return int(output.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_freed_memory_is_used_again_without_mapping_its_pages_anew() -> None:
    assert _faults("reuse") < _faults("plain") / 10


@pytest.mark.parametrize(("capabilities", "expected"), [({"avx512_bf16": True}, True), ({}, False)])
def test_bf16_is_what_the_cpu_says(
    capabilities: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert devices.cpu_has_bf16() is expected


def test_a_torch_that_cannot_tell_means_no_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not devices.cpu_has_bf16()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="malloc_trim is glibc's")
def test_freed_memory_that_was_kept_can_be_given_back() -> None:
    code = """
import psutil, torch
from faststyle.core.devices import return_freed_memory, reuse_freed_memory
reuse_freed_memory()
blocks = [torch.ones(1 << 22) for _ in range(16)]
del blocks
before = psutil.Process().memory_info().rss
return_freed_memory()
print(before - psutil.Process().memory_info().rss)
"""
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert int(output.stdout) > 200 << 20
