import pytest
import torch
from torch import nn

from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.training.engine.initial_weights import load_initial_weights

NIGHT, LARGE = StyleMetadata("night", style_size=256), StyleMetadata("night", style_size=400)
WAVE, OTHER = StyleMetadata("wave", style_size=256), StyleMetadata("other", style_size=256)


def _network(styles: int, width: int = 2) -> TransformNetwork:
    network = TransformNetwork(width, 1, styles=styles)
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    return network


def test_styles_keep_their_own_scales_and_a_new_one_begins_with_the_mean() -> None:
    found = TrainedStyle(_network(3), StyleMetadata("all", styles=(NIGHT, LARGE, WAVE)))
    network = _network(4)
    load_initial_weights(
        found, network, (WAVE, OTHER, LARGE, StyleMetadata("night", style_size=180)), "x"
    )
    given, begun = (each.state_dict()["up1.2.weight"] for each in (found.network, network))
    expected = torch.stack([given[2], given.mean(0), given[1], given[0]])
    torch.testing.assert_close(begun, expected)
    for name, value in found.network.state_dict().items():
        if value.dim() != 2:
            torch.testing.assert_close(network.state_dict()[name], value)


def test_several_styles_begin_with_one() -> None:
    found, network = TrainedStyle(_network(1), NIGHT), _network(2)
    load_initial_weights(found, network, (WAVE, OTHER), "x")
    for name, value in found.network.state_dict().items():
        begun = network.state_dict()[name]
        assert torch.equal(begun, value.expand_as(begun))


@pytest.mark.parametrize(("style", "row"), [(WAVE, 1), (NIGHT, 0)])
def test_one_style_begins_with_its_own_of_several(style: StyleMetadata, row: int) -> None:
    found = TrainedStyle(_network(2), StyleMetadata("all", styles=(NIGHT, WAVE)))
    network = _network(1)
    load_initial_weights(found, network, (style,), "x")
    given, begun = (each.state_dict()["stem.1.bias"] for each in (found.network, network))
    assert torch.equal(begun, given[row])


def test_the_photo_itself_is_no_painting_to_begin_with() -> None:
    styles = (NIGHT, StyleMetadata("photo"), WAVE)
    found, network = TrainedStyle(_network(3), StyleMetadata("all", styles=styles)), _network(1)
    load_initial_weights(found, network, (OTHER,), "x")
    given, begun = (each.state_dict()["up1.2.weight"] for each in (found.network, network))
    assert torch.equal(begun, given[[0, 2]].mean(0))


def test_another_network_is_refused() -> None:
    found = TrainedStyle(_network(2, width=3), StyleMetadata("all", styles=(NIGHT, WAVE)))
    with pytest.raises(UserError, match=r"init=all is of network .*'width': 3.*, not .*'width': 2"):
        load_initial_weights(found, _network(3), (NIGHT, WAVE, OTHER), "init=all")


def test_a_network_with_another_margin_begins_with_the_same_weights() -> None:
    found, network = TrainedStyle(TransformNetwork(2, 1), NIGHT), TransformNetwork(2, 1, margin=8)
    load_initial_weights(found, network, (NIGHT,), "x")
    assert torch.equal(
        network.state_dict()["stem.0.weight"], found.network.state_dict()["stem.0.weight"]
    )
