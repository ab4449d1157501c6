from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.encoder import LOSS_NETWORKS, LiteEncoder, LossNetwork, VGGEncoder
from faststyle.encoder.weights import he_initialize


class Tiny(LossNetwork):
    """A loss network of the reader's own."""

    def __init__(self, width: int = 8) -> None:
        super().__init__(("relu1_1", "relu2_1", "relu3_1"), mean=(0.5,) * 3, std=(0.5,) * 3)
        self.layers = nn.ModuleList(
            nn.Conv2d(before, width, 3, stride=2, padding=1) for before in (3, width, width)
        )
        he_initialize(self)
        self.freeze()

    def iter_features(self, x: Tensor, _wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
        for name, layer in zip(self.names, self.layers, strict=True):
            x = F.relu(layer(x))
            yield name, x


@pytest.fixture
def tiny(register: Callable[..., Callable[[type], type]]) -> LossNetwork:
    register(LOSS_NETWORKS, "tiny")(Tiny)
    return LOSS_NETWORKS.build("tiny", width=4)


def test_its_layers_are_given_by_name_and_no_deeper_than_asked(tiny: LossNetwork) -> None:
    ran: list[object] = []
    for layer in tiny.layers:  # type: ignore[union-attr]
        layer.register_forward_hook(lambda module, *_: ran.append(module))
    found = tiny(torch.rand(2, 3, 16, 16), ["relu2_1", "input"])
    assert {name: value.shape[1:] for name, value in found.items()} == {
        "input": (3, 16, 16),
        "relu2_1": (4, 4, 4),
    }
    assert len(ran) == 2
    assert tiny(torch.rand(1, 3, 8, 8), []) == {}
    with pytest.raises(UserError, match='tiny has no layer "relu2_2": did you mean "relu2_1"'):
        tiny.check_layers(["relu2_2"])


def test_pictures_are_normalized_as_it_asks(tiny: LossNetwork) -> None:
    assert tiny(torch.full((1, 3, 2, 2), 0.75), ["input"])["input"].unique().item() == 0.5


def test_it_is_frozen_and_in_no_state_dict(tiny: LossNetwork) -> None:
    assert not list(tiny.parameters())
    assert not tiny.state_dict()
    assert not nn.Sequential(tiny).train()[0].training


def test_a_description_tells_no_path(tmp_path: Path) -> None:
    encoder = VGGEncoder("vgg11", "random")
    torch.save(dict(encoder.features.named_buffers()), tmp_path / "w.pth")
    described = VGGEncoder("vgg11", str(tmp_path / "w.pth"), "avg").describe()
    assert described == {
        "name": "vgg11",
        "weights": "w.pth",
        "pooling": "avg",
        "unit_activations": False,
    }


@pytest.mark.parametrize("norm", ["", "_bn"])
@pytest.mark.parametrize("depth", [11, 19])
def test_every_vgg_is_one_class_under_a_name_of_its_own(depth: int, norm: str) -> None:
    name = f"vgg{depth}{norm}"
    built = LOSS_NETWORKS.build(name, weights="random", pooling="avg")
    assert isinstance(built, VGGEncoder)
    assert built.name == name
    options = {"weights": "random", "pooling": "avg", "unit_activations": False, "seed": 0}
    options |= dict.fromkeys(("mean", "std", "channels", "range"))
    assert LOSS_NETWORKS.describe(built) == (name, options)
    assert LOSS_NETWORKS.describe(VGGEncoder(name, "random", "avg")) == (name, options)


def test_an_encoder_that_is_not_registered_is_called_by_its_class_and_described_by_none() -> None:
    class Other(LiteEncoder):
        pass

    assert Other("random").name == "Other"
    with pytest.raises(UserError, match='unknown encoder "Other": choose one of: lite, vgg11'):
        Other("random").describe()
