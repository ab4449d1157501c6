import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from faststyle.networks import SuperResolutionNetwork, TransformNetwork
from faststyle.networks.noise import AddNoise
from faststyle.networks.portable import convolve_enlargement, fix_noise, portable

SIZE = (32, 40)


def _network(noise: int) -> TransformNetwork:
    torch.manual_seed(0)
    network = TransformNetwork(4, 2, noise=noise).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, AddNoise):  # which begins small
            nn.init.normal_(module.weight)
    return network


@settings(deadline=None, max_examples=20)
@given(
    rows=st.integers(4, 12),
    columns=st.integers(4, 12),
    noise=st.sampled_from([0, 3]),
    transposed=st.booleans(),
)
def test_the_portable_network_makes_the_same_picture(
    rows: int, columns: int, noise: int, transposed: bool
) -> None:
    network, size = _network(noise=noise), (4 * rows, 4 * columns)
    photo = torch.rand(1, 3, *size)
    result = portable(network, size, transposed)(photo)
    torch.testing.assert_close(result, network(photo), rtol=0, atol=2e-5)


@pytest.mark.parametrize("transposed", [False, True])
def test_no_operation_is_left_that_phones_have_no_fast_form_of(transposed: bool) -> None:
    program = torch.export.export(portable(_network(noise=2), SIZE, transposed), (_photo(),))
    found = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    slow = ("pad", "instance_norm", "sin", "floor") + (("upsample",) if transposed else ())
    assert not [name for name in found if any(word in name for word in slow)]
    assert any("conv" in name for name in found)


def test_the_network_itself_stays_as_it_is() -> None:
    network = _network(noise=2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    kinds = [type(module) for module in network.modules()]
    portable(network, SIZE, transposed=True)
    assert kinds == [type(module) for module in network.modules()]
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_noise_of_a_table_is_the_networks_own_for_smaller_pictures_too() -> None:
    network, photo = _network(noise=3), _photo()
    table = fix_noise(network, SIZE)
    for rows, columns in (SIZE, (24, 36)):
        part = photo[..., :rows, :columns]
        torch.testing.assert_close(table(part), network(part), rtol=0, atol=1e-5)


def _photo() -> torch.Tensor:
    return torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_an_enlargement_by_convolution_is_the_bicubic_one_up_to_the_border(factor: int) -> None:
    torch.manual_seed(0)
    network = SuperResolutionNetwork(factor, width=4, blocks=1).eval().requires_grad_(False)
    nn.init.normal_(network.head.weight, std=0.02)
    convolved = convolve_enlargement(network)
    program = torch.export.export(convolved, (_photo(),))
    assert not [node for node in program.graph.nodes if "bicubic" in str(node.target)]
    torch.testing.assert_close(convolved(_photo()), network(_photo()), rtol=0, atol=2e-6)
