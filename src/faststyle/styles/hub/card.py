"""The card of a style on the Hugging Face Hub: what it is, how it is used, where it fails."""

import hashlib
import re
from pathlib import Path

from faststyle.core.assets import bundled_file
from faststyle.core.errors import UserError
from faststyle.styles.hub.address import PREFIX
from faststyle.styles.metadata import StyleMetadata

_TAGS = ["style-transfer", "neural-style-transfer", "fast-neural-style", "faststyle"]


def write_card(
    metadata: StyleMetadata,
    file: Path,
    repository: str,
    license: str | None = None,
    sample: str | None = None,
) -> str:
    """The card, in Markdown behind a header in YAML; ``assets/model_card.md`` has its text.

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
    from jinja2 import Environment

    if license is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", license):
        raise UserError(f'license "{license}": give its short name, as mit, cc-by-4.0 or cc0-1.0')
    header = ModelCardData(
        license=license, library_name="faststyle", pipeline_tag="image-to-image", tags=_TAGS
    )
    environment = Environment(keep_trailing_newline=True)
    environment.filters["plain"] = _plain
    template = environment.from_string(bundled_file("model_card.md").read_text(encoding="utf-8"))
    first = {style.name: style for style in reversed(metadata.styles)}
    of_one = f":{metadata.styles[0].name}" if metadata.styles else ""
    content = file.read_bytes()
    return template.render(
        header=header.to_yaml(),
        metadata=metadata,
        styles={name: first[name] for name in metadata.names()},
        details=_details(metadata),
        file=file,
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        address=f"{PREFIX}{repository}/{file.name}{of_one}",
        license=license,
        sample=sample,
    )


def _details(metadata: StyleMetadata) -> dict[str, str | None]:
    """What is known of the training, by name; of loss networks no path, which may be private."""
    network, size = metadata.network, metadata.style_size
    options = network.options.items() if network else ()
    described = ", ".join(f"{key} {value}" for key, value in options)
    encoder = metadata.encoder.get("name") or metadata.encoder.get("arch")
    return {
        "network": f"{network.name} ({described})" if network else None,
        "steps": f"{metadata.steps:,}" if metadata.steps else None,
        "begun from": Path(metadata.init).stem if metadata.init else None,
        "painting's short side": f"{size} pixels" if size else None,
        "loss": "; ".join(f"{key} {_value(of)}" for key, of in metadata.loss.items()),
        "loss network": str(encoder) if encoder else None,
        "trained by": metadata.origin,
    }


def _value(of: object) -> str:
    pairs = of.items() if isinstance(of, dict) else ()
    return " ".join(f"{key}={value}" for key, value in pairs) or str(of)


def _plain(text: str) -> str:
    """Text on one line that Markdown and HTML leave as it is."""
    line = re.sub(r"([\\`*_{}\[\]<>|#~$])", r"\\\1", " ".join(text.split()))
    return line.replace("\\<", "&lt;").replace("\\>", "&gt;")
