import os
from collections.abc import Generator
from functools import partial

import pytest
import torch
from torch import nn

from benchmarks.measure import Measurement, Round, Spread, Variant, compare, count_work
from faststyle.core.errors import UserError


def _prepare(size: int) -> Round:
    a = torch.ones(size, size)
    calls = []

    def multiply() -> Generator[str, None, tuple[int, int]]:
        calls.append(a @ a)
        yield "multiply"
        yield "nothing"
        return len(calls), os.getpid()

    return multiply


def _prepare_in_vain() -> Round:
    raise UserError("no such weights")


def _prepare_to_die() -> Round:
    return lambda: os._exit(9)


@pytest.mark.slow
def test_variants_take_turns_in_processes_of_their_own() -> None:
    results = compare([Variant(str(n), partial(_prepare, n)) for n in (8, 16)], 3)
    assert results["8"].work["multiply"].macs == 8**3
    assert results["16"].work["multiply"].macs == 16**3
    assert [len(result.totals) for result in results.values()] == [3, 3]
    counts, processes = zip(*(result.result for result in results.values()), strict=True)
    assert counts == (5, 5)
    assert len({*processes, os.getpid()}) == 3
    assert all(result.memory >= 0 for result in results.values())


@pytest.mark.slow
def test_a_variant_that_cannot_be_prepared_says_why() -> None:
    with pytest.raises(UserError, match="no such weights"):
        compare([Variant("a", _prepare_in_vain)], 1)


@pytest.mark.slow
def test_a_variant_that_dies_is_named() -> None:
    with pytest.raises(UserError, match="benchmark of doomed died"):
        compare([Variant("doomed", _prepare_to_die)], 1)


def test_spread_is_median_and_quartiles() -> None:
    assert Spread.of([5.0, 1.0, 3.0, 2.0, 4.0]) == Spread(3.0, 2.0, 4.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)


def test_ratios_are_of_neighboring_rounds_with_all_stages() -> None:
    slow = Measurement(seconds={"a": [2.0, 20.0], "b": [2.0, 20.0]})
    fast = Measurement(seconds={"a": [1.0, 10.0], "b": [1.0, 10.0]})
    assert fast.times_as_fast(slow) == Spread(2.0, 2.0, 2.0)


def test_a_convolutions_multiply_adds_are_kernel_times_channels_times_pixels() -> None:
    conv = nn.Conv2d(3, 5, 3, padding=1)
    with count_work() as work:
        conv(torch.zeros(2, 3, 8, 10))
    assert work.macs == 3 * 3 * 3 * 5 * 8 * 10 * 2


def test_a_backward_pass_is_counted_too() -> None:
    a = torch.zeros(4, 6, requires_grad=True)
    with count_work() as work:
        (a @ torch.zeros(6, 2)).sum().backward()  # type: ignore[no-untyped-call]
    assert work.macs == 2 * (4 * 6 * 2)


def test_bytes_are_those_of_all_inputs_and_outputs_but_not_of_views() -> None:
    x = torch.zeros(100)
    with count_work() as work:
        x.view(10, 10).t()
        x + x.exp()
    assert work.bytes == 4 * (200 + 300)
