"""The nodes, as ComfyUI loads, checks and calls them; see its ``nodes.py`` and ``execution.py``."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from faststyle import Regions, Stylizer
from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.styles import TrainedStyle, write_style
from faststyle.stylize.options import RenderOptions
from tests.places import ROOT
from tests.several import several_styles

FOLDER = ROOT / "integrations" / "comfyui"


@pytest.fixture(scope="module")
def pack() -> Iterator[ModuleType]:
    """The folder, imported by its path, under the name that ComfyUI gives it."""
    name = str(FOLDER).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, FOLDER / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module
    for loaded in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[loaded]


class Comfy:
    """A graph of one node after the other: validates inputs, calls, checks outputs, and caches.

    Args:
        pack: the nodes.
    """

    def __init__(self, pack: ModuleType) -> None:
        self.nodes: dict[str, Any] = pack.NODE_CLASS_MAPPINGS
        self.calls = 0
        self._kept: dict[str, tuple[Any, tuple[Any, ...]]] = {}

    def run(self, name: str, **inputs: Any) -> Any:
        node = self.nodes[name]
        wanted = node.INPUT_TYPES()
        known = wanted["required"] | wanted.get("optional", {})
        assert not set(inputs) - set(known)
        for each, (kind, *more) in known.items():
            if each in inputs:
                self._check(kind, inputs[each], more[0] if more else {})
            elif each in wanted["required"]:
                raise ValueError(f"Required input is missing: {each}")
        widgets = {key: value for key, value in inputs.items() if isinstance(value, str)}
        changed = node.IS_CHANGED(**widgets) if hasattr(node, "IS_CHANGED") else None
        key = (changed, {each: id(value) for each, value in inputs.items()})
        if name not in self._kept or self._kept[name][0] != key:
            self.calls += 1
            self._kept[name] = key, getattr(node(), node.FUNCTION)(**inputs)
        outputs = self._kept[name][1]
        assert isinstance(outputs, tuple)
        for kind, output in zip(node.RETURN_TYPES, outputs, strict=True):
            self._check(kind, output, {})
        return outputs[0]

    def _check(self, kind: Any, value: Any, limits: dict[str, Any]) -> None:
        if isinstance(kind, list):
            if value not in kind:
                raise ValueError(f"Value not in list: {value}")
        elif kind == "FLOAT":
            if not limits["min"] <= float(value) <= limits["max"]:
                raise ValueError(f"Value {value} outside of {limits['min']} to {limits['max']}")
        elif kind in ("IMAGE", "MASK"):
            assert isinstance(value, Tensor)
            assert value.dim() == 4 if kind == "IMAGE" else value.dim() in (2, 3)
            assert value.dtype == torch.float32
        else:
            assert isinstance(value, str) == (kind == "STRING")


@pytest.fixture
def comfy(pack: ModuleType) -> Comfy:
    return Comfy(pack)


@pytest.fixture
def several(tmp_path: Path) -> Path:
    path = tmp_path / "all.safetensors"
    write_style(several_styles(), path)
    return path


@pytest.fixture
def images() -> Tensor:
    """A batch (2, 40, 48, 3) as ComfyUI's."""
    return torch.rand(2, 40, 48, 3, generator=torch.Generator().manual_seed(0))


USUAL = {"strength": 1.0, "color": "painting", "stroke": 1.0}


def expected(style: str | Path, images: Tensor, **options: Any) -> Tensor:
    stylizer = Stylizer.load(style, precision="auto")
    photos = [photo[None] for photo in images.movedim(-1, 1)]
    return torch.cat([stylizer(photo, RenderOptions(**options)) for photo in photos]).movedim(1, -1)


def test_every_node_has_a_name_that_people_read(pack: ModuleType) -> None:
    assert set(pack.NODE_CLASS_MAPPINGS) == set(pack.NODE_DISPLAY_NAME_MAPPINGS)
    for node in pack.NODE_CLASS_MAPPINGS.values():
        assert hasattr(node, node.FUNCTION)
        assert node.CATEGORY == "faststyle"


def test_images_come_out_stylized(comfy: Comfy, images: Tensor) -> None:
    style = comfy.run("FaststyleLoad", style="starry_night_small")
    result = comfy.run("FaststyleStylize", image=images, style=style, **USUAL)
    assert result.shape == images.shape
    assert torch.allclose(result, expected("starry_night_small", images), atol=1e-5)


def test_strength_and_color_are_those_of_the_stylizer(comfy: Comfy, images: Tensor) -> None:
    style = comfy.run("FaststyleLoad", style="starry_night_small")
    chosen = {"strength": 0.4, "color": "photo", "stroke": 1.0}
    result = comfy.run("FaststyleStylize", image=images, style=style, **chosen)
    other = expected("starry_night_small", images, strength=0.4, color="photo")
    assert torch.allclose(result, other, atol=1e-5)


def test_the_styles_are_those_of_the_catalog_and_others_are_refused(comfy: Comfy) -> None:
    [names] = comfy.nodes["FaststyleLoad"].INPUT_TYPES()["required"]["style"]
    assert {"starry_night", "udnie", "gallery:starry_night"} <= set(names)
    with pytest.raises(ValueError, match="Value not in list"):
        comfy.run("FaststyleLoad", style="stary_night")
    with pytest.raises(UserError, match="no such checkpoint"):
        comfy.nodes["FaststyleLoad"]().load("starry_night", file="absent.pth")


def test_a_file_in_place_of_a_name(comfy: Comfy, several: Path, images: Tensor) -> None:
    style = comfy.run("FaststyleLoad", style="starry_night", file=f" {several}:wave ")
    result = comfy.run("FaststyleStylize", image=images, style=style, **USUAL)
    assert torch.allclose(result, expected(f"{several}:wave", images), atol=1e-5)


def test_a_style_is_read_again_only_if_its_file_changes(comfy: Comfy, several: Path) -> None:
    file = f"{several}:wave"
    first = comfy.run("FaststyleLoad", style="starry_night", file=file)
    assert comfy.run("FaststyleLoad", style="starry_night", file=file) is first
    assert comfy.calls == 1
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=0)), several)
    os.utime(several, (1, 1))
    comfy.run("FaststyleLoad", style="starry_night", file=file)
    assert comfy.calls == 2


def test_two_styles_of_a_file_mix(comfy: Comfy, several: Path, images: Tensor) -> None:
    load = comfy.nodes["FaststyleLoad"]().load
    [night], [wave] = (load("", file=f"{several}:{name}") for name in ("night", "wave"))
    mixed = comfy.run("FaststyleMix", first=night, second=wave, part=0.25)
    result = comfy.run("FaststyleStylize", image=images, style=mixed, **USUAL)
    other = expected(f"{several}:night=0.75,wave=0.25", images)
    assert torch.allclose(result, other, atol=1e-5)
    [again] = comfy.nodes["FaststyleMix"]().mix(mixed, wave, 0.5)
    assert again.mix == pytest.approx({"night": 0.375, "wave": 0.625})


def test_a_painting_is_a_style_and_a_batch_of_them_is_one_together(
    comfy: Comfy, images: Tensor
) -> None:
    style = comfy.run("FaststylePainting", painting=images)
    result = comfy.run("FaststyleStylize", image=images, style=style, **USUAL)
    paintings = [each[None] for each in images.movedim(-1, 1)]
    stylizer = Stylizer.load("any").painting(*paintings)
    other = torch.cat([stylizer(each) for each in paintings]).movedim(1, -1)
    assert torch.allclose(result, other, atol=1e-5)


def test_what_is_no_painting_is_refused(comfy: Comfy, images: Tensor) -> None:
    with pytest.raises(UserError, match="the painting is too small to paint like: 32 pixels"):
        comfy.run("FaststylePainting", painting=images[:, :31])
    with pytest.raises(UserError, match="the painting is of one color"):
        comfy.run("FaststylePainting", painting=torch.full((1, 40, 40, 3), 0.5))


def test_two_paintings_do_not_mix_though_one_file_predicted_both(
    comfy: Comfy, images: Tensor
) -> None:
    predict = comfy.nodes["FaststylePainting"]().predict
    [first], [second] = (predict(each[None]) for each in images)
    with pytest.raises(UserError, match="do not mix"):
        comfy.nodes["FaststyleMix"]().mix(first, second, 0.5)


def test_styles_of_two_files_do_not_mix(comfy: Comfy, several: Path) -> None:
    load = comfy.nodes["FaststyleLoad"]().load
    [wave], [other] = load("", file=f"{several}:wave"), load("starry_night_small")
    for first, second in ((wave, other), (other, other)):
        with pytest.raises(UserError, match="do not mix: choose two styles of one file"):
            comfy.nodes["FaststyleMix"]().mix(first, second, 0.5)


def test_a_mask_says_where_for_all_images_or_for_each(comfy: Comfy, images: Tensor) -> None:
    style = comfy.run("FaststyleLoad", style="starry_night_small")
    left, right = torch.zeros(40, 48), torch.ones(40, 48)
    left[:, :24] = 1
    right[:, :24] = 0
    regions = Regions([Stylizer.load("starry_night_small", precision="auto")])

    def placed(*masks: Tensor) -> Tensor:
        photos = zip(images.movedim(-1, 1), masks, strict=True)
        done = [regions(photo, [mask], RenderOptions()) for photo, mask in photos]
        return torch.stack(done).movedim(1, -1)

    for mask, other in (
        (left, placed(left, left)),
        (left[None], placed(left, left)),
        (torch.stack([left, right]), placed(left, right)),
    ):
        result = comfy.run("FaststyleStylize", image=images, style=style, mask=mask, **USUAL)
        assert torch.allclose(result, other, atol=1e-5)
    assert torch.equal(result[1][:, :24], images[1][:, :24]), "the photo stays outside"


def test_a_mask_of_another_size_is_scaled(comfy: Comfy, images: Tensor) -> None:
    style = comfy.run("FaststyleLoad", style="starry_night_small")
    nowhere = torch.zeros(1, 64, 64)  # what ComfyUI gives for a picture without transparency
    result = comfy.run("FaststyleStylize", image=images, style=style, mask=nowhere, **USUAL)
    assert torch.equal(result, images)


def test_another_number_of_masks_is_refused(comfy: Comfy, images: Tensor) -> None:
    style = comfy.run("FaststyleLoad", style="starry_night_small")
    masks = torch.ones(3, 40, 48)
    with pytest.raises(UserError, match="3 masks for 2 images"):
        comfy.run("FaststyleStylize", image=images, style=style, mask=masks, **USUAL)


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 7, 500, 3), (3, 33, 9, 4)])
def test_images_of_any_shape(comfy: Comfy, shape: tuple[int, ...]) -> None:
    images = torch.rand(shape) * 1.2 - 0.1  # as after resampling
    before = images.clone()
    style = comfy.run("FaststyleLoad", style="starry_night_small")
    for mask in ({}, {"mask": torch.ones(shape[1:3])}):
        result = comfy.run("FaststyleStylize", image=images, style=style, **mask, **USUAL)
        assert result.shape == shape
        assert result[..., :3].min() >= 0
        assert result[..., :3].max() <= 1
        assert torch.equal(result[..., 3:], images[..., 3:])
    assert torch.equal(images, before), "other nodes have it, too"


def test_it_runs_where_comfyui_runs_nodes(comfy: Comfy, images: Tensor) -> None:
    with torch.inference_mode():
        style = comfy.run("FaststyleLoad", style="starry_night_small")
        result = comfy.run("FaststyleStylize", image=images, style=style, **USUAL)
    assert torch.allclose(result, expected("starry_night_small", images), atol=1e-5)


def test_a_black_mask_paints_nothing_and_says_so(
    comfy: Comfy, images: Tensor, caplog: pytest.LogCaptureFixture
) -> None:
    style = comfy.run("FaststyleLoad", style="starry_night_small")
    black = torch.zeros(1, 40, 48)
    result = comfy.run("FaststyleStylize", image=images, style=style, mask=black, **USUAL)
    assert torch.allclose(result, images, atol=1 / 255)
    assert "nothing is painted" in caplog.text


def test_a_batch_shows_its_progress_and_is_cancelled_between_images(
    comfy: Comfy, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def interrupt() -> None:
        if done:
            raise KeyboardInterrupt

    utils, management = ModuleType("comfy.utils"), ModuleType("comfy.model_management")
    utils.ProgressBar = lambda _count: SimpleNamespace(update=done.append)  # type: ignore[attr-defined]
    management.throw_exception_if_processing_interrupted = interrupt  # type: ignore[attr-defined]
    for module in (ModuleType("comfy"), utils, management):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    style = comfy.run("FaststyleLoad", style="starry_night_small")
    with pytest.raises(KeyboardInterrupt):
        comfy.run("FaststyleStylize", image=images, style=style, **USUAL)
    assert done == [1]
