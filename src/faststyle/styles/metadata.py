"""What the file of a style says of it: read and written here alone."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

from torch import nn

from faststyle.core.errors import UserError
from faststyle.core.registry import Description
from faststyle.core.version import __version__
from faststyle.networks import NETWORKS
from faststyle.networks.conditional import MAX_STYLES

#: Of several styles the one that is the photo itself.
IDENTITY = "photo"


@dataclass(frozen=True)
class StyleMetadata:
    """What is known of a trained style; any of it may be missing.

    Args:
        style: its name.
        style_sha256: of each of its pictures.
        style_size: the short side, in pixels, at which brush strokes were measured.
        title, artist, year, license: of the painting.
        loss: what :meth:`faststyle.losses.PerceptualLoss.describe` says of the loss it was
            trained with.
        encoder: what :meth:`faststyle.encoder.LossNetwork.describe` says of the loss network.
        init: the style that its training began with.
        steps: of its training.
        training: its settings, and the versions of what it ran on
            (:func:`faststyle.config.record.describe_run`).
        origin: the project that trained it, if that was not faststyle.
        network: what its network is built from again.
        styles: of a network of several styles what is known of each, in their order.
        version: of the faststyle that wrote it.
    """

    style: str | None = None
    style_sha256: tuple[str, ...] = ()
    style_size: int | None = None
    title: str | None = None
    artist: str | None = None
    year: str | None = None
    license: str | None = None
    loss: Mapping[str, Any] = field(default_factory=dict)
    encoder: Mapping[str, Any] = field(default_factory=dict)
    init: str | None = None
    steps: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    origin: str | None = None
    network: Description | None = None
    styles: tuple["StyleMetadata", ...] = ()
    version: str | None = None

    @property
    def name(self) -> str:
        """The style's name, safe as part of a file's name; ``styled`` if it is not known."""
        return re.sub(r"[^\w.-]", "_", self.style or "").strip(".") or "styled"

    @property
    def factor(self) -> int:
        """By how much its network enlarges pictures; 1 for that of a style."""
        factor = self.network.options.get("factor", 1) if self.network else 1
        return factor if isinstance(factor, int) else 1

    @property
    def takes_paintings(self) -> bool:
        """Whether its network predicts the style of any painting, and has none of its own."""
        return self.network is not None and self.network.name == "any"

    def names(self) -> tuple[str, ...]:
        """Of several styles the paintings' names, each once, in their order."""
        names = dict.fromkeys(style.name for style in self.styles)
        return tuple(name for name in names if name != IDENTITY)

    def labels(self) -> tuple[str, ...]:
        """What each of several styles is called: its name, and its size if another has that name.

        The first of a name is its usual size, and is called by the name alone.
        """
        names = [style.name for style in self.styles]
        first = {name: index for index, name in reversed(list(enumerate(names)))}
        return tuple(
            name if first[name] == index else f"{name}_{style.style_size}"
            for index, (name, style) in enumerate(zip(names, self.styles, strict=True))
        )

    def of_network(self, network: nn.Module) -> "StyleMetadata":
        """The same for a file of this faststyle's with the weights of ``network``.

        Raises ``UserError`` if the network is not registered, or has another number of styles.
        """
        described = replace(self, network=NETWORKS.describe(network), version=__version__)
        described.check_styles()
        return described

    def check_styles(self) -> None:
        """Raise ``UserError`` if the network has other styles than are named, or two alike."""
        count = self.network.options.get("styles", 1) if self.network else 1
        if count != max(1, len(self.styles)):
            raise UserError(f"has a network of {count} styles, and names {len(self.styles)}")
        labels = self.labels()
        sizes = {(style.name, style.style_size) for style in self.styles}
        if min(len(set(labels)), len(sizes)) < len(labels):
            raise UserError(f"has two styles of one name and size: {', '.join(labels)[:200]}")

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> "StyleMetadata":
        """From what :meth:`write` gave; keys that are not known are passed over.

        Raises ``UserError`` if what should be JSON is not, or not of the expected form.
        """
        keys = {each.name: _KEYS.get(each.name, each.name) for each in fields(cls)}
        found = {name: texts[key] for name, key in keys.items() if key in texts}
        return cls(**{name: _READERS.get(name, str)(text) for name, text in found.items()})

    def write(self) -> dict[str, str]:
        """As texts by key, which is what files hold; what is not known is left out."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            _KEYS.get(name, name): _as_text(value)
            for name, value in values.items()
            if value not in (None, "", {}, ())
        }


def _as_text(value: Any) -> str:
    if isinstance(value, Description):
        return json.dumps(value._asdict())
    if isinstance(value, tuple):
        if isinstance(value[0], str):
            return ",".join(value)
        return json.dumps([style.write() for style in value])
    return json.dumps(value) if isinstance(value, Mapping) else str(value)


def _network(text: str) -> Description:
    content = _mapping("network", text)
    if set(content) == {"name", "options"} and isinstance(content["options"], dict):
        return Description(str(content["name"]), content["options"])
    return Description("johnson", content)  # of before networks had names


def _mapping(key: str, text: str) -> Mapping[str, Any]:
    content = _parsed(key, text)
    if not isinstance(content, dict):
        raise UserError(f"describes a {key} that is not known here")
    return content


def _styles(text: str) -> tuple[StyleMetadata, ...]:
    content = _parsed("styles", text)
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        raise UserError("describes styles that are not known here")
    if len(content) > MAX_STYLES:
        raise UserError(f"describes {len(content)} styles; {MAX_STYLES} are the most")
    texts = [
        {key: _printable(value) for key, value in each.items() if key != "styles" and value}
        for each in content
    ]
    return tuple(map(StyleMetadata.read, texts))


def _printable(value: object) -> str:
    """As text without halves of characters, which JSON may hold and nothing can print."""
    return str(value).encode("utf-8", "replace").decode()


def _parsed(key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # JSON's errors are of the first kind
        raise UserError(f"does not describe its {key}") from None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 12 else None


#: Fields that files call otherwise.
_KEYS = {"license": "licence"}
#: How fields are read that are no texts.
_READERS: Mapping[str, Callable[[str], Any]] = {
    "style_sha256": lambda text: tuple(text.split(",")) if text else (),
    "style_size": _number,
    "steps": _number,
    "loss": partial(_mapping, "loss"),
    "encoder": partial(_mapping, "encoder"),
    "training": partial(_mapping, "training"),
    "network": _network,
    "styles": _styles,
}
