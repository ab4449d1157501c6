"""The loss that styles are trained with where nothing else is said: that of its config."""

from inspect import signature
from typing import Any

from omegaconf import OmegaConf

from faststyle.core.assets import bundled_folder
from faststyle.losses.perceptual import PerceptualLoss

_SETTINGS: Any = OmegaConf.load(bundled_folder("configs") / "loss" / "relative.yaml")

#: Layer -> weight.
CONTENT: dict[str, float] = dict(_SETTINGS.content)
STYLE: dict[str, float] = dict(_SETTINGS.style)
STYLE_WEIGHT: float = signature(PerceptualLoss).parameters["style_weight"].default
