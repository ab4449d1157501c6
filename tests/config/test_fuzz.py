"""Whatever is typed as a setting, composing it gives settings, or one line that says why not."""

import contextlib
import copy
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hydra._internal.config_repository import ConfigRepository
from omegaconf import OmegaConf

from faststyle.config.compose import compose_config
from faststyle.config.mistakes import report_config_errors
from faststyle.core.errors import UserError
from tests.fuzz import COUNT, mutated

#: What people type, of every kind of value and grammar.
TYPED = (
    "style=starry_night",
    "styles=[starry_night,great_wave]",
    "name=my style (1)",
    "model.learning_rate=1e-3",
    "trainer.max_steps=2000",
    "trainer.precision=16-mixed",
    "trainer.devices=[0,1]",
    "data.batch_size=4",
    "data.size=256",
    "loss.style_weight=1e5",
    "loss.content_layers={relu2_2: 1.0}",
    "+loss.extra={a: [1, 'two'], b: null}",
    "~loss.tv_weight",
    "network.width=16",
    "encoder=vgg16",
    "seed=${data.size}",
    "hydra.run.dir=outputs/${now:%H-%M}",
    "data.size=choice(128, 256)",
    "export.path='a b.safetensors'",
)
#: Characters that mean something to Hydra, OmegaConf or YAML, and some that mean nothing.
_ODD = "=,:{}[]()'\"\\$~+@/.#&*!|>%`?- \t\n\r\0é\udce6\U0001f600"
_PARTS = 4


def _overrides() -> Iterator[list[str]]:
    generator = random.Random(1)
    whole = "\n".join(TYPED).encode()
    for content in mutated(whole, COUNT // 2):
        lines = content.decode(errors="surrogateescape").split("\n")
        yield [generator.choice([line for line in lines if line not in TYPED] or lines)]
    for _ in range(COUNT - COUNT // 2):
        chosen = generator.sample(TYPED, generator.choice((1, 1, 2)))
        yield [_with_odd(text, generator) for text in chosen]


def _with_odd(text: str, generator: random.Random) -> str:
    for _ in range(generator.choice((1, 1, 2, 5))):
        place = generator.randrange(len(text) + 1)
        text = text[:place] + generator.choice(_ODD) + text[place + generator.randrange(2) :]
    return text


@pytest.fixture(scope="module", autouse=True)
def _files_are_read_once() -> Iterator[None]:
    """What is typed changes no file, and Hydra takes a third of the time to read all of them."""
    load, known = ConfigRepository.load_config, {}

    def load_once(repository: ConfigRepository, config_path: str) -> Any:
        key = (config_path, *(source.path for source in repository.get_sources()))
        if key not in known:
            known[key] = load(repository, config_path)
        return copy.deepcopy(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConfigRepository, "load_config", load_once)
        yield


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(_PARTS))  # side by side, since composing takes a while
def test_mutated_settings_are_composed_or_refused_in_a_line(part: int) -> None:
    composed = 0
    for overrides in islice(_overrides(), part, None, _PARTS):
        with contextlib.suppress(UserError), report_config_errors("train"):
            settings = compose_config("train", overrides)
            composed += 1
            # What stands in other parts of the file or in Hydra's own is looked up when it is used.
            OmegaConf.to_container(settings, resolve=True)
    assert composed, "some changes do not matter"
