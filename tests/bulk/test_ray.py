import pytest

pytest.importorskip("ray")

from faststyle.bulk.ray import worker_resources

ONE, LARGE, SMALL = {"CPU": 16.0}, {"CPU": 96.0, "GPU": 8.0}, {"CPU": 4.0}


@pytest.mark.parametrize(
    ("workers", "nodes", "device", "cores", "gpus"),
    [
        (1, [ONE], "auto", 16, 0),
        (4, [ONE], "auto", 4, 0),
        (100, [ONE], "auto", 1, 0),
        (2, [ONE, SMALL], "auto", 4, 0),
        (8, [LARGE], "auto", 12, 1),
        (4, [LARGE], "auto", 24, 1),
        (16, [LARGE], "auto", 6, 1 / 2),
        (20, [LARGE], "cuda", 4, 1 / 3),
        (8, [LARGE], "cpu", 12, 0),
        (8, [{}, LARGE], "auto", 12, 1),
    ],
)
def test_actors_share_a_cluster(
    workers: int, nodes: list[dict[str, float]], device: str, cores: int, gpus: float
) -> None:
    assert worker_resources(workers, nodes, device) == {"num_cpus": cores, "num_gpus": gpus}
