import torch
from torch import nn

from benchmarks.work import count_work, measure_peak


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


def test_peaks_are_rates_of_this_machine() -> None:
    peak = measure_peak()
    assert set(peak.macs) == {"32", "bf16"}
    assert min(*peak.macs.values(), peak.copy) > 1e6
