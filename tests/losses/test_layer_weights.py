import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faststyle.core.errors import UserError
from faststyle.losses import geometric_layer_weights


def test_weights_halve_from_the_shallow_or_from_the_deep_end() -> None:
    layers = ["relu1_1", "relu2_1", "relu3_1"]
    assert geometric_layer_weights(layers) == {"relu1_1": 1.0, "relu2_1": 0.5, "relu3_1": 0.25}
    assert geometric_layer_weights(layers, largest="last") == {
        "relu1_1": 0.25,
        "relu2_1": 0.5,
        "relu3_1": 1.0,
    }


@given(st.integers(1, 16), st.floats(0.1, 1))
def test_neighbors_differ_by_the_decay_and_the_largest_is_one(count: int, decay: float) -> None:
    weights = list(geometric_layer_weights([str(i) for i in range(count)], decay).values())
    assert weights[0] == 1
    for shallow, deep in itertools.pairwise(weights):
        assert deep == pytest.approx(shallow * decay)


def test_normalized_weights_add_up_to_one() -> None:
    weights = geometric_layer_weights(["a", "b", "c"], largest="last", normalized=True)
    assert weights == pytest.approx({"a": 1 / 7, "b": 2 / 7, "c": 4 / 7})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": []}, "at least one layer"),
        ({"layers": ["a"], "decay": 0}, "decay=0 must"),
        ({"layers": ["a"], "decay": 1.5}, r"decay=1\.5 must"),
        ({"layers": ["a"], "largest": "middle"}, "choose first or last"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        geometric_layer_weights(**options)  # type: ignore[arg-type]
