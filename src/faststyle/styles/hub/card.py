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
    about: StyleMetadata,
    file: Path,
    repository: str,
    license: str | None = None,
    sample: str | None = None,
) -> str:
    """The card, in Markdown behind a header in YAML.

    Args:
        about: what the file says of itself; texts in it may be anyone's.
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
    first = about.styles[0].name if about.styles else ""
    address = f"{PREFIX}{repository}/{file.name}" + (f":{first}" if first else "")
    parts = [
        f"---\n{header.to_yaml()}\n---",
        f"# {_title(about, file)}",
        f"{_what(about)} Made by faststyle {_plain(about.version or '?')}.",
        f"![A drawn landscape, and what becomes of it]({sample})" if sample else "",
        _USE.format(address=address),
        _paintings(about),
        "## How it was made\n\n| | |\n|---|---|\n"
        + "\n".join(f"| {name} | {fact} |" for name, fact in _facts(about, file)),
        _LIMITS,
        _rights(license),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _title(about: StyleMetadata, file: Path) -> str:
    if about.styles:
        return f"{len(about.names())} styles in one network"
    return _plain(about.title or (about.style or file.stem).replace("_", " "))


def _what(about: StyleMetadata) -> str:
    if about.styles:
        return (
            "A network that turns photos into any of the paintings below, or a mixture of them, in"
            " a single pass."
        )
    return f"A network that turns photos into the manner of {_painting(about)} in a single pass."


def _paintings(about: StyleMetadata) -> str:
    if not about.styles:
        return ""
    first = {style.name: style for style in reversed(about.styles)}
    rows = [f"| `{name}` | {_painting(first[name])} |" for name in about.names()]
    return "## Styles\n\n| name | painting |\n|---|---|\n" + "\n".join(rows)


def _painting(about: StyleMetadata) -> str:
    title = f"*{_plain(about.title)}*" if about.title else "a picture"
    by = f" by {_plain(about.artist)}" if about.artist else ""
    more = ", ".join(_plain(text) for text in (about.year, about.license) if text)
    return f"{title}{by}" + (f" ({more})" if more else "")


def _facts(about: StyleMetadata, file: Path) -> Iterator[tuple[str, str]]:
    """Names and facts of those that are known; of loss networks no path, which may be private."""
    content = file.read_bytes()
    if about.network:
        options = ", ".join(f"{key} {value}" for key, value in about.network.options.items())
        yield "network", _plain(f"{about.network.name} ({options})")
    if about.steps:
        yield "steps", f"{about.steps:,}"
    if about.init:
        yield "begun from", _plain(Path(about.init).stem)
    if about.style_size:
        yield "painting's short side", f"{about.style_size} pixels"
    if about.loss:
        yield "loss", _plain("; ".join(f"{key} {_value(of)}" for key, of in about.loss.items()))
    if encoder := about.encoder.get("name") or about.encoder.get("arch"):
        yield "loss network", _plain(str(encoder))
    if about.origin:
        yield "trained by", _plain(about.origin)
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
