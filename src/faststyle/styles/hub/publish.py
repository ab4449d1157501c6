"""Uploading a style to the Hugging Face Hub, and its card: what it is, how it is used."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from faststyle.core.assets import bundled_file
from faststyle.core.errors import UserError, needs_extra
from faststyle.core.version import __version__
from faststyle.styles.hub.fetch import PREFIX
from faststyle.styles.hub.problems import explain
from faststyle.styles.metadata import StyleMetadata

#: What people write by hand, and what therefore is never replaced.
CARD = "README.md"
#: Seconds without an answer after which the Hub is given up.
PATIENCE = 60.0
_TAGS = ["style-transfer", "neural-style-transfer", "fast-neural-style", "faststyle"]


class Published(NamedTuple):
    """Where a folder was uploaded to, and what became of files that were there."""

    address: str
    replaced: list[str]
    kept_card: bool


def publish_folder(folder: Path, repository: str, private: bool = False) -> Published:
    """Upload the files of a folder in one commit, to a repository that is made if need be.

    Other files of the repository ``owner/name`` stay, and so does its card if it has one. A new
    one that is ``private`` is seen by its owner alone. Who is logged in, huggingface_hub knows.

    Raises ``UserError`` if nobody is logged in, or may not write there; for no connection, or no
    answer; ``private`` for a repository that everyone sees.
    """
    with needs_extra("hub"), explain(repository):
        from huggingface_hub import CommitOperationAdd, HfApi, get_session

        get_session().timeout = PATIENCE  # it would wait for ever
        hub = HfApi(token=True, library_name="faststyle", library_version=__version__)
        page = hub.create_repo(repository, private=private or None, exist_ok=True)
        info = hub.model_info(repository)
        if private and not info.private:
            raise UserError(f"{repository} is there already, and everyone sees it: leave --private")
        there = {file.rfilename for file in info.siblings or ()}
        files = sorted(file for file in folder.iterdir() if file.name not in there & {CARD})
        names = [file.name for file in files]
        hub.create_commit(
            repository,
            [CommitOperationAdd(file.name, file) for file in files],
            commit_message=f"Add {', '.join(names)} by faststyle {__version__}",
        )
    return Published(str(page), [name for name in names if name in there], CARD in there)


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
