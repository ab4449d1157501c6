import importlib.util
import signal

import pytest

from faststyle.core import interrupts


def test_systems_without_usr1_are_stopped_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGUSR1")
    spec = importlib.util.spec_from_file_location("signals_anew", interrupts.__file__)
    assert spec is not None
    assert spec.loader is not None
    anew = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(anew)
    assert anew.STOPPING == (signal.SIGINT, signal.SIGTERM)
    assert anew.OUT_OF_TIME is None
