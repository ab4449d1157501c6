import torch
from torch import nn

from faststyle.networks import AnyPaintingNetwork, bake_style
from faststyle.networks.conditional import split_rows, style_rows, with_rows


def _network() -> AnyPaintingNetwork:
    network = AnyPaintingNetwork(width=4, blocks=1, noise=1, hidden=8).double()
    for parameter in network.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, 0.5, 0.2)
    return network.eval()


def _pictures(count: int, side: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, side, side, dtype=torch.float64)


def test_rows_hold_every_scale_and_shift_once() -> None:
    transform = _network().transform
    rows = style_rows(transform)
    tables = {name: each for name, each in transform.named_parameters() if each.dim() == 2}
    assert rows.shape == (2, sum(each.shape[1] for each in tables.values()))
    parts = split_rows(transform, rows)
    assert parts.keys() == tables.keys()
    assert all(torch.equal(parts[name].flatten(1), tables[name]) for name in tables)


def test_each_picture_is_painted_after_its_own_painting() -> None:
    network, photos, paintings = _network(), _pictures(2), _pictures(2, 24)
    together = network(photos, paintings)
    alone = [network(photos[i, None], paintings[i, None]) for i in range(2)]
    torch.testing.assert_close(together, torch.cat(alone))
    assert not torch.allclose(network(photos, paintings.flip(0)), together)


def test_a_picture_that_is_kept_has_the_row_of_the_photo() -> None:
    network, photos = _network(), _pictures(2)
    kept = network(photos, _pictures(2), keep=torch.tensor([True, True]))
    photo = torch.tensor([0.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(kept, network.transform(photos, photo))


def test_the_network_for_a_painting_computes_the_same_without_it() -> None:
    network, photo, painting = _network(), _pictures(1), _pictures(1, 24)
    rows = torch.cat([network.predict(painting), network.photo_row[None]])
    ordinary = with_rows(network.transform, rows)
    first = torch.tensor([1.0, 0.0], dtype=torch.float64)
    wanted = network(photo, painting)
    torch.testing.assert_close(ordinary(photo, first), wanted)
    torch.testing.assert_close(bake_style(ordinary, first)(photo), wanted)
