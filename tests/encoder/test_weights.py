import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder

IMAGES = torch.rand(1, 3, 32, 32)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    encoder = VGGEncoder("vgg11", "random", seed=5)
    return {f"features.{name}": value for name, value in encoder.features.named_buffers()}


def _write_pth(state: dict[str, Tensor], folder: Path) -> Path:
    extended = state | {"classifier.0.weight": torch.zeros(2, 2)}
    torch.save(extended, folder / "w.pth")
    return folder / "w.pth"


def _write_without_prefix(state: dict[str, Tensor], folder: Path) -> Path:
    torch.save({k.removeprefix("features."): v for k, v in state.items()}, folder / "w.pth")
    return folder / "w.pth"


def _write_safetensors(state: dict[str, Tensor], folder: Path) -> Path:
    safetensors.torch.save_file(state, folder / "w.safetensors")
    return folder / "w.safetensors"


@pytest.mark.parametrize("write", [_write_pth, _write_without_prefix, _write_safetensors])
def test_a_file_gives_its_own_weights(
    tmp_path: Path, state: dict[str, Tensor], write: Callable[[dict[str, Tensor], Path], Path]
) -> None:
    loaded = VGGEncoder("vgg11", str(write(state, tmp_path)))
    original = VGGEncoder("vgg11", "random", seed=5)
    assert torch.equal(loaded(IMAGES, ["pool5"])["pool5"], original(IMAGES, ["pool5"])["pool5"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_float_type_is_widened_to_float32(
    tmp_path: Path, state: dict[str, Tensor], dtype: torch.dtype
) -> None:
    torch.save({k: v.to(dtype) for k, v in state.items()}, tmp_path / "w.pth")
    features = VGGEncoder("vgg11", str(tmp_path / "w.pth"))(IMAGES, ["pool5"])["pool5"]
    assert features.dtype == torch.float32


def test_random_weights_are_a_function_of_the_seed() -> None:
    first, same, other = (
        VGGEncoder("vgg11", "random", seed=seed)(IMAGES, ["relu5_1"])["relu5_1"]
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, same)
    assert not torch.allclose(first, other)


def test_random_weights_keep_the_variance_through_all_layers() -> None:
    encoder = VGGEncoder("vgg19", "random")
    noise = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    energies = [f.square().mean().item() for f in encoder(noise, ["relu1_1", "relu4_4"]).values()]
    assert 0.2 < energies[1] / energies[0] < 5


def test_a_missing_key_is_named(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save({k: v for k, v in state.items() if "3.weight" not in k}, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r'"features\.3\.weight" is missing'):
        VGGEncoder("vgg11", str(tmp_path / "w.pth"))


def test_weights_of_another_network_are_refused(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(UserError, match="vgg16"):
        VGGEncoder("vgg16", str(tmp_path / "w.pth"))


class _Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("ran"),)


def test_bad_files_are_refused_and_run_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("evil.pth").write_bytes(pickle.dumps({"features.0.weight": _Malicious()}))
    torch.save({"a": torch.zeros(10_000)}, "cut.pth")
    Path("cut.pth").write_bytes(Path("cut.pth").read_bytes()[:900])
    Path("text.safetensors").write_text("no weights here")
    torch.save([1, 2], "list.pth")
    for name in ("evil.pth", "cut.pth", "text.safetensors", "list.pth", "absent.pth"):
        with pytest.raises(UserError, match=name.replace(".", r"\.")):
            VGGEncoder("vgg11", name)
    assert not Path("ran").exists()


def test_no_network_ends_in_one_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"cannot download https://.*vgg11.*encoder\.weights="):
        VGGEncoder("vgg11", "imagenet")


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torchvision keeps VGG-11's download, in a cache of the test's own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = torchvision.models.get_model_weights("vgg11")["IMAGENET1K_V1"]
    path: Path = tmp_path / "hub" / "checkpoints" / weights.url.rsplit("/")[-1]
    path.parent.mkdir(parents=True)
    return path


def test_imagenet_is_torchvisions_own_download(state: dict[str, Tensor], cached: Path) -> None:
    torch.save(state, cached)
    loaded = VGGEncoder("vgg11", "imagenet")
    original = VGGEncoder("vgg11", "random", seed=5)
    assert torch.equal(loaded(IMAGES, ["pool5"])["pool5"], original(IMAGES, ["pool5"])["pool5"])


def test_a_damaged_download_says_where_it_lies(state: dict[str, Tensor], cached: Path) -> None:
    torch.save(state, cached)
    cached.write_bytes(cached.read_bytes()[:1000])
    with pytest.raises(UserError, match=f"damaged; remove it from {cached.parents[1]}"):
        VGGEncoder("vgg11", "imagenet")


def test_a_download_that_is_not_what_was_published_is_refused(
    tmp_path: Path, state: dict[str, Tensor], cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = tmp_path / "web" / cached.name  # the name holds the hash
    published.parent.mkdir()
    torch.save(state, published)
    weights = torchvision.models.get_model_weights("vgg11")["IMAGENET1K_V1"]
    monkeypatch.setattr(weights.value, "url", published.as_uri())
    with pytest.raises(UserError, match="damaged"):
        VGGEncoder("vgg11", "imagenet")
    assert not cached.exists()


def test_real_weights_load_and_their_activations_have_caffes_scale(real_vgg19: Path) -> None:
    encoder = VGGEncoder("vgg19", str(real_vgg19))
    features = encoder(torch.rand(1, 3, 64, 64), ["relu3_3"])["relu3_3"]
    assert 50 < features.mean() < 2000
