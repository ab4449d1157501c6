from benchmarks.report import measure_peak


def test_peaks_are_rates_of_this_machine() -> None:
    peak = measure_peak()
    assert set(peak.macs) == {"32", "bf16"}
    assert min(*peak.macs.values(), peak.copy) > 1e6
