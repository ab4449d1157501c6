import pytest
import torch
from torch import nn

from faststyle.core.errors import UserError
from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD
from recipes.classification.network import Classifier


@pytest.fixture(scope="module")
def network() -> Classifier:
    torch.manual_seed(0)
    return Classifier("vgg11_bn", classes=7).eval()


def test_weights_have_the_variance_of_he_et_al(network: Classifier) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            variance = module.weight.double().square().mean().item()
            assert variance == pytest.approx(2 / module.weight[0].numel(), rel=0.1)
            assert module.bias is not None
            assert not module.bias.any()


def test_any_size_gives_a_score_for_each_class(network: Classifier) -> None:
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 7)
    assert network(torch.rand(2, 3, 40, 56)).shape == (2, 7)


def test_the_papers_head_is_normalized_after_every_layer_and_sees_2_x_2_places() -> None:
    network = Classifier("vgg11_bn", classes=7, head="paper").eval()
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert [len(norm.weight) for norm in norms] == [len(layer.weight) for layer in layers]
    sizes = [module.weight.shape for module in layers if isinstance(module, nn.Linear)]
    assert sizes == [(4096, 2048), (4096, 4096), (7, 4096)]
    assert sum(isinstance(module, nn.Dropout) for module in network.classifier) == 2
    x = torch.rand(2, 3, 32, 32)
    seen = network.features[:-1]((x - network.mean.view(3, 1, 1)) / network.std.view(3, 1, 1))
    assert seen.shape == (2, 512, 2, 2), "the last pooling layer is left out"
    assert torch.allclose(network(x), network.classifier(seen.flatten(1)), rtol=1e-4, atol=1e-5)
    assert network(torch.rand(1, 3, 40, 56)).shape == (1, 7)


def test_scores_are_of_pictures_less_the_mean_over_the_deviation(network: Classifier) -> None:
    x = torch.rand(2, 3, 32, 32)
    mean, std = torch.tensor([0.2, 0.3, 0.4]), torch.tensor([0.1, 0.2, 0.3])
    usual = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    expected = network(x)
    network.normalize_by(mean.tolist(), std.tolist())
    same = (x - usual[0].view(3, 1, 1)) / usual[1].view(3, 1, 1)
    found = network(same * std.view(3, 1, 1) + mean.view(3, 1, 1))
    network.normalize_by(IMAGENET_MEAN, IMAGENET_STD)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_dropout_makes_scores_in_training_differ() -> None:
    network = Classifier("vgg11_bn", dropout=0.5).eval()
    network.classifier[0].train()
    x = torch.rand(1, 3, 32, 32)
    assert not torch.equal(network(x), network(x))
    assert torch.equal(network.eval()(x), network(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arch": "vgg16"}, 'did you mean "vgg16_bn"'),
        ({"dropout": 1.0}, "classifier.dropout is 1.0"),
        ({"head": "wide"}, 'classifier.head="wide"'),
    ],
)
def test_mistakes_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Classifier(**options)  # type: ignore[arg-type]
