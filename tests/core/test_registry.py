import json
from collections.abc import Iterator
from typing import Annotated

import pytest
import torch
from torch import nn

from faststyle.core.errors import UserError
from faststyle.core.limits import Between, OneOf
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
    del REGISTRY["plain"]


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


@pytest.fixture
def words() -> Registry[object]:
    return Registry("word")


def test_a_name_may_stand_for_arguments(words: Registry[object]) -> None:
    class Word:
        def __init__(self, length: int, loud: bool = False) -> None:
            self.length, self.loud = length, loud

    for length in (1, 2):
        words.register(f"word{length}", length=length)(Word)
    built = words.build("word2", loud=True)
    assert isinstance(built, Word)
    assert (built.length, built.loud) == (2, True)
    assert words.describe(built) == ("word2", {"loud": True})
    assert (words.name_of(Word(1)), words.name_of(Word(3))) == ("word1", None)


def test_a_class_without_a_constructor_has_no_arguments(words: Registry[object]) -> None:
    class Word:
        pass

    class Layer(nn.Module):
        pass

    for name, cls in (("word", Word), ("layer", Layer)):
        words.register(name)(cls)
        assert words.describe(words.build(name)) == (name, {})
        with pytest.raises(UserError, match="unexpected keyword argument"):
            words.build(name, length=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, r"^word\.length=0 must be a whole number from 1 to 9$"),
        ({"length": 2.0}, r"^word\.length=2\.0 must be a whole number from 1 to 9$"),
        ({"length": [1]}, r"^word\.length=\[1\] must be a whole number from 1 to 9$"),
        ({"tone": "hihg"}, '^word.tone="hihg": did you mean "high"[?]$'),
        ({"tone": [1]}, "choose one of: high, low"),
    ],
)
def test_arguments_beyond_the_limits_in_their_annotations_are_refused(
    words: Registry[object], options: dict[str, object], message: str
) -> None:
    @words.register("word")
    class Word:
        def __init__(
            self,
            length: Annotated[int, Between(1, 9)] = 9,
            tone: Annotated[str, OneOf(("high", "low"))] = "low",
        ) -> None: ...

    assert words.describe(Word()) == ("word", {"length": 9, "tone": "low"})
    with pytest.raises(UserError, match=message):
        words.build("word", **options)
