"""The loss that styles are trained with where nothing else is said: that of its config."""

from inspect import signature
from typing import Any

from omegaconf import OmegaConf

from faststyle.core.assets import bundled_folder
from faststyle.encoder import LossNetwork
from faststyle.losses.perceptual import PerceptualLoss

_SETTINGS: Any = OmegaConf.load(bundled_folder("configs") / "loss" / "relative.yaml")

#: Layer -> weight.
CONTENT: dict[str, float] = dict(_SETTINGS.content)
STYLE: dict[str, float] = dict(_SETTINGS.style)
STYLE_WEIGHT: float = signature(PerceptualLoss).parameters["style_weight"].default


def default_loss(encoder: LossNetwork, **changes: Any) -> PerceptualLoss:
    """That loss, but for ``changes`` of its arguments."""
    given = OmegaConf.to_container(_SETTINGS)  # what is left to the signature stays unresolved
    assert isinstance(given, dict)
    settings = {str(k): v for k, v in given.items() if k != "_target_" and v != "${default:}"}
    return PerceptualLoss(encoder, **{**settings, **changes})
