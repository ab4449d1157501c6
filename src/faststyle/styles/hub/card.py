"""The card of a style on the Hugging Face Hub: what it is, how it is used, where it fails."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from faststyle.core.errors import UserError
from faststyle.styles.hub.address import PREFIX
from faststyle.styles.metadata import StyleMetadata

_TAGS = ["style-transfer", "neural-style-transfer", "fast-neural-style", "faststyle"]
_USE = """\
## Use

```
pip install "faststyle[hub]"
faststyle stylize --ckpt {address} photo.jpg
```

```python
from PIL import Image
from faststyle import Stylizer

stylizer = Stylizer.load("{address}")
stylizer(Image.open("photo.jpg")).save("stylized.jpg")
```
"""
_LIMITS = """\
## Limitations

- It paints every photo in the same way: strokes and forms come from the painting, and stand where
  the network puts them, not always where the photo has something like them.
- The photo's colors go; `--color photo` keeps them.
- Small faces lose their features, and text cannot be read any more. A larger `--size` helps.
- Strokes are of one size in pixels, so they look finer in a large picture; `--stroke` changes them.
- It makes pictures to look at, and was tried for nothing else.
"""


def write_card(
    metadata: StyleMetadata,
    file: Path,
    repository: str,
    license: str | None = None,
    sample: str | None = None,
) -> str:
    """The card, in Markdown behind a header in YAML.

    Args:
        metadata: what the file says of itself; texts in it may be anyone's.
        file: the checkpoint as it is uploaded.
        repository: ``owner/name``, where to.
        license: of the weights, by its short name on the Hub, as ``mit``.
        sample: the name of a picture beside it.

    Raises:
        UserError: a license that is no such name.
    """
    from huggingface_hub import ModelCardData

    if license is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", license):
        raise UserError(f'license "{license}": give its short name, as mit, cc-by-4.0 or cc0-1.0')
    header = ModelCardData(
        license=license, library_name="faststyle", pipeline_tag="image-to-image", tags=_TAGS
    )
    first = metadata.styles[0].name if metadata.styles else ""
    address = f"{PREFIX}{repository}/{file.name}" + (f":{first}" if first else "")
    parts = [
        f"---\n{header.to_yaml()}\n---",
        f"# {_title(metadata, file)}",
        f"{_summary(metadata)} Made by faststyle {_plain(metadata.version or '?')}.",
        f"![A drawn landscape, and what becomes of it]({sample})" if sample else "",
        _USE.format(address=address),
        _paintings(metadata),
        "## How it was made\n\n| | |\n|---|---|\n"
        + "\n".join(f"| {name} | {detail} |" for name, detail in _details(metadata, file)),
        _LIMITS,
        _rights(license),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _title(metadata: StyleMetadata, file: Path) -> str:
    if metadata.styles:
        return f"{len(metadata.names())} styles in one network"
    return _plain(metadata.title or (metadata.style or file.stem).replace("_", " "))


def _summary(metadata: StyleMetadata) -> str:
    if metadata.styles:
        return (
            "A network that turns photos into any of the paintings below, or a mixture of them, in"
            " a single pass."
        )
    return f"A network that turns photos into the manner of {_painting(metadata)} in a single pass."


def _paintings(metadata: StyleMetadata) -> str:
    if not metadata.styles:
        return ""
    first = {style.name: style for style in reversed(metadata.styles)}
    rows = [f"| `{name}` | {_painting(first[name])} |" for name in metadata.names()]
    return "## Styles\n\n| name | painting |\n|---|---|\n" + "\n".join(rows)


def _painting(metadata: StyleMetadata) -> str:
    title = f"*{_plain(metadata.title)}*" if metadata.title else "a picture"
    by = f" by {_plain(metadata.artist)}" if metadata.artist else ""
    more = ", ".join(_plain(text) for text in (metadata.year, metadata.license) if text)
    return f"{title}{by}" + (f" ({more})" if more else "")


def _details(metadata: StyleMetadata, file: Path) -> Iterator[tuple[str, str]]:
    """What is known of the training, by name; of loss networks no path, which may be private."""
    content = file.read_bytes()
    if metadata.network:
        options = ", ".join(f"{key} {value}" for key, value in metadata.network.options.items())
        yield "network", _plain(f"{metadata.network.name} ({options})")
    if metadata.steps:
        yield "steps", f"{metadata.steps:,}"
    if metadata.init:
        yield "begun from", _plain(Path(metadata.init).stem)
    if metadata.style_size:
        yield "painting's short side", f"{metadata.style_size} pixels"
    if metadata.loss:
        yield "loss", _plain("; ".join(f"{key} {_value(of)}" for key, of in metadata.loss.items()))
    if encoder := metadata.encoder.get("name") or metadata.encoder.get("arch"):
        yield "loss network", _plain(str(encoder))
    if metadata.origin:
        yield "trained by", _plain(metadata.origin)
    yield "size", f"{len(content) / 1e6:.2f} MB"
    yield "SHA-256", f"`{hashlib.sha256(content).hexdigest()}`"


def _value(of: object) -> str:
    return (
        " ".join(f"{key}={value}" for key, value in of.items()) if isinstance(of, dict) else str(of)
    )


def _rights(license: str | None) -> str:
    weights = f"The weights: {license}." if license else "No license is given for the weights."
    return f"## License\n\n{weights} The painting's own rights are named beside it."


def _plain(text: str) -> str:
    """Text on one line that Markdown and HTML leave as it is."""
    line = re.sub(r"([\\`*_{}\[\]<>|#~$])", r"\\\1", " ".join(text.split()))
    return line.replace("\\<", "&lt;").replace("\\>", "&gt;")
