import pytest

from faststyle.bulk.local import choose_device


@pytest.mark.parametrize(
    ("wanted", "gpus", "used", "expected"),
    [
        ("auto", 0, ["auto"], "auto"),
        ("auto", 2, [], "cuda:0"),
        ("auto", 2, ["cuda:0"], "cuda:1"),
        ("cuda", 2, ["cuda:0", "cuda:1", "cuda:1"], "cuda:0"),
        ("cuda:1", 2, ["cuda:1"], "cuda:1"),
        ("cpu", 2, [], "cpu"),
    ],
)
def test_processes_share_the_gpus_of_a_machine(
    wanted: str, gpus: int, used: list[str], expected: str
) -> None:
    assert choose_device(wanted, gpus, used) == expected
