import json
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from faststyle.core.errors import UserError
from faststyle.core.registry import Description, Registry

REGISTRY = Registry[nn.Module]("part")


@REGISTRY.register("scaled")
class Scaled(nn.Module):
    def __init__(self, factor: float, steps: int = 3, *, name: str = "x") -> None:
        super().__init__()
        self.register_buffer("factor", torch.tensor(factor))
        self.steps, self.name = steps, name


@REGISTRY.register("doubled")
class Doubled(Scaled):
    def __init__(self, steps: int = 5) -> None:
        super().__init__(2.0, steps)


class Plain(nn.Module):
    pass


@pytest.fixture
def extra() -> Iterator[str]:
    REGISTRY.register("plain")(Plain)
    yield "plain"
    REGISTRY.unregister("plain")


def test_an_object_says_the_arguments_it_was_made_with_and_their_defaults() -> None:
    assert REGISTRY.describe(Scaled(0.5)) == ("scaled", {"factor": 0.5, "steps": 3, "name": "x"})
    assert REGISTRY.describe(Scaled(0.5, name="y")).options["name"] == "y"


def test_it_is_built_again_from_what_it_says_through_json() -> None:
    name, options = json.loads(json.dumps(REGISTRY.describe(Scaled(0.5, steps=7))))
    again = REGISTRY.build(name, **options)
    assert isinstance(again, Scaled)
    assert (again.get_buffer("factor").item(), again.steps) == (0.5, 7)


def test_a_class_derived_from_a_registered_one_says_its_own_arguments() -> None:
    assert REGISTRY.describe(Doubled()) == Description("doubled", {"steps": 5})


def test_the_names_are_listed_in_their_order() -> None:
    assert list(REGISTRY) == ["scaled", "doubled"]
    assert "scaled" in REGISTRY


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UserError, match='unknown part "scald": did you mean "scaled"'):
        REGISTRY.build("scald")


def test_an_unknown_option_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"unexpected keyword argument .start"):
        REGISTRY.build("doubled", start=1)


def test_a_class_without_a_constructor_of_its_own_has_no_options(extra: str) -> None:
    assert REGISTRY.describe(Plain()) == (extra, {})
    with pytest.raises(UserError, match=r'part "plain": got an unexpected keyword argument'):
        REGISTRY.build(extra, factor=1)


def test_an_object_of_a_class_that_is_not_registered_is_refused() -> None:
    with pytest.raises(UserError, match="part Linear is not registered"):
        REGISTRY.describe(nn.Linear(2, 2))


def test_a_name_is_not_taken_twice(extra: str) -> None:
    with pytest.raises(ValueError, match='the part "plain" is Plain already'):
        REGISTRY.register(extra)(Doubled)
