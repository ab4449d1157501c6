import os

import pytest

from faststyle.core.silence import suppress_output


def test_nothing_is_heard_meanwhile_and_all_of_it_afterwards(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with suppress_output():
        os.write(2, b"from C\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
