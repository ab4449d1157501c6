import pytest
import torch
from torch import Tensor, nn

from faststyle.networks import TransformNetwork
from faststyle.networks.regional import knows_regions, regional
from tests.networks.test_streaming import Flat, network, photo


def _several(styles: int) -> TransformNetwork:
    torch.manual_seed(0)
    made = TransformNetwork(4, 1, noise=2, styles=styles).double().eval()
    for parameter in made.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, 1, 0.5)
    return made


def _left(size: tuple[int, int], width: int) -> Tensor:
    mask = torch.zeros(1, *size, dtype=torch.float64)
    mask[..., :width] = 1
    return mask


class _Defined(nn.Module):
    """The definition, a region at a time, for masks that are 0 or 1 at the layer's resolution."""

    def __init__(self, norm: nn.InstanceNorm2d, masks: Tensor) -> None:
        super().__init__()
        self.norm, self.masks = norm, masks

    def forward(self, x: Tensor) -> Tensor:
        factor = self.masks.shape[1] // x.shape[2]
        y = torch.zeros_like(x)
        for mask in self.masks[:, ::factor, ::factor].bool():
            inside = x[0, :, mask]
            normal = (inside - inside.mean(1, True)) / (
                inside.var(1, correction=0, keepdim=True) + self.norm.eps
            ).sqrt()
            y[0, :, mask] = normal * self.norm.weight[:, None] + self.norm.bias[:, None]
        return y


@pytest.mark.parametrize("padding", ["reflect", "zero"])
@pytest.mark.parametrize("size", [(64, 48), (37, 51)])
def test_a_region_that_is_the_picture_changes_nothing(padding: str, size: tuple[int, int]) -> None:
    made = network(padding, noise=2)
    found = regional(made, torch.ones(1, *size).double())(photo(*size))
    torch.testing.assert_close(found, made(photo(*size)))


def test_of_half_precision_the_statistics_are_summed_in_full() -> None:
    torch.manual_seed(0)
    # A layer without kernels of its own, as on a GPU, where autocast decides.
    made, picture = TransformNetwork(8, 2, upsample="transposed").eval(), photo(200, 200).float()
    picture = 0.8 + 0.1 * picture
    masks = torch.ones(1, 200, 200)
    with torch.no_grad():
        expected, usual = regional(made, masks)(picture), made(picture)
        with torch.autocast("cpu", torch.float16):
            found, usual_half = regional(made, masks)(picture), made(picture)
    assert (found - expected).abs().mean() < 1.6 * (usual_half - usual).abs().mean()


def test_each_region_is_normalized_by_itself() -> None:
    made, size = network(noise=2), (64, 48)
    left = _left(size, 16)
    masks = torch.cat((left, 1 - left))
    found = regional(made, masks)(photo(*size))
    for name, norm in list(made.named_modules()):
        if isinstance(norm, nn.InstanceNorm2d):
            parent, _, key = name.rpartition(".")
            made.get_submodule(parent).register_module(key, _Defined(norm, masks))
    torch.testing.assert_close(found, made(photo(*size)), rtol=0, atol=1e-5)


def test_what_is_far_from_a_region_does_not_change_it() -> None:
    made, size = network(blocks=1), (40, 200)
    mask = _left(size, 64)
    before = photo(*size)
    after = before.clone()
    after[..., 160:] = 0
    found = [regional(made, mask)(each)[..., :40] for each in (before, after)]
    torch.testing.assert_close(*found)
    plain = [made(each)[..., :40] for each in (before, after)]
    assert (plain[0] - plain[1]).abs().max() > 1e-3


def test_two_styles_in_equal_parts_everywhere_are_their_mixture() -> None:
    made = _several(3)
    masks = torch.full((2, 32, 40), 0.5, dtype=torch.float64)
    shares = torch.eye(3, dtype=torch.float64)[:2]
    found = regional(made, masks, shares)(photo(32, 40))
    expected = made(photo(32, 40), torch.tensor([0.5, 0.5, 0], dtype=torch.float64))
    torch.testing.assert_close(found, expected)


def test_each_region_has_its_own_style() -> None:
    made, size = _several(2), (40, 240)
    left = _left(size, 120)
    shares = torch.eye(2, dtype=torch.float64)
    both = regional(made, torch.cat((left, 1 - left)), shares)(photo(*size))
    for number, (mask, part) in enumerate(((left, slice(0, 60)), (1 - left, slice(180, 240)))):
        # What lies beyond the border changes the statistics of the region a little.
        own, other = (
            (regional(made, mask, share[None])(photo(*size)) - both)[..., part].abs().mean()
            for share in (shares[number], shares[1 - number])
        )
        assert own < 0.05 * other


def test_features_are_normalized_in_their_place_since_memory_is_short() -> None:
    masks = torch.cat((_left((40, 40), 8), 1 - _left((40, 40), 8)))
    norm = regional(network(), masks).get_submodule("stem.1")
    features = torch.rand(1, 4, 40, 40).double().contiguous(memory_format=torch.channels_last)
    assert norm(features).data_ptr() == features.data_ptr()


def test_the_network_itself_is_left_as_it_is() -> None:
    made = network(noise=2)
    before = made(photo(40, 40))
    regional(made, _left((40, 40), 8))(photo(40, 40))
    assert torch.equal(made(photo(40, 40)), before)


def test_regions_of_a_network_of_ones_own_are_known_by_its_layers() -> None:
    torch.manual_seed(0)
    made, size = Flat().double().eval(), (40, 24)
    assert knows_regions(made)
    with torch.no_grad():
        whole = regional(made, torch.ones(1, *size).double())(photo(*size))
        torch.testing.assert_close(whole, made(photo(*size)))


def test_only_instance_normalization_knows_regions() -> None:
    assert knows_regions(network())
    assert not knows_regions(network("reflect_start"))
    assert not knows_regions(TransformNetwork(2, 1, norm="batch"))
    assert not knows_regions(nn.Conv2d(3, 3, 1))
