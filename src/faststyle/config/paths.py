"""Paths among the settings: which files are read, and names that are no words of Hydra's."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf

from faststyle.core.errors import UserError

#: Settings that are paths, or may be, by the last part of their names.
_PATHS = frozenset(
    (
        *("image", "root", "weights", "content", "output", "start", "init", "resume"),
        *("path", "export", "cache", "output_dir", "paintings", "dir", "name"),
    )
)
#: Settings that say where something is written.
_OUTPUTS = frozenset({"export", "output", "output_dir", "cache", "hydra"})
#: What Hydra's grammar takes as a plain word, and as an interpolation (which it
#: escapes itself for the runs of a sweep) or a quoted one.
_PLAIN = re.compile(r"[\w./:@%+*?|$-]*", re.ASCII)
#: A plain word that Hydra takes for a number or a truth value, as the name of a folder 2020.
_NUMBER = re.compile(
    r"[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d[\d_]*)?|[+-]?(inf|nan)|true|false", re.IGNORECASE
)
_MEANT = re.compile(r".*\$\\?\{.*\}.*|'.*'|\".*\"", re.DOTALL)


def input_files(node: DictConfig | ListConfig) -> list[Path]:
    """Files that settings name, and that are there, but for what is to be written."""
    found: list[Path] = []
    keys = list(node.keys()) if isinstance(node, DictConfig) else list(range(len(node)))
    for key in keys:
        if key in _OUTPUTS or OmegaConf.is_missing(node, key):
            continue
        value = node[key]  # type: ignore[index]
        if isinstance(value, DictConfig | ListConfig):
            found += input_files(value)
        elif isinstance(value, str) and _exists(value):
            found += [path] if (path := Path(value).expanduser()).is_file() else []
    return found


def quote_paths(overrides: Sequence[str]) -> list[str]:
    """``overrides`` with those paths quoted that Hydra's parser would stumble over.

    ``style.image=/Bilder/Müller (1).jpg`` is taken for what it is. A list stays a list, and in a
    sweep (``-m``) commas go on separating values, unless a file is called so.
    """
    sweeps = any(text in ("-m", "--multirun") for text in overrides)
    return [_quoted(text, sweeps) for text in overrides]


def _quoted(text: str, sweeps: bool) -> str:
    key, separator, value = text.partition("=")
    name = key.lstrip("+~").rpartition(".")[2]
    if not separator or name not in _PATHS or is_plain(value):
        return text
    if _exists(value):
        return f"{key}={in_quotes(value)}"
    if value.startswith("[") and value.endswith("]"):
        words = [_word(word.strip()) for word in value[1:-1].split(",")]
        return f"{key}=[{','.join(words)}]"
    if _MEANT.fullmatch(value) or (sweeps and "," in value):
        return text
    return f"{key}={in_quotes(value)}"


def check_grammar(overrides: Sequence[str]) -> None:
    """Raise ``UserError``, which says how to quote it, for a setting that Hydra cannot parse."""
    parser = OverridesParser.create()
    for before, text in zip(("", *overrides), overrides, strict=False):
        if text.startswith("-") or (before.startswith("-") and "=" not in text):
            continue  # a flag of Hydra's, and what follows it
        try:
            parser.parse_override(text)
        except HydraException:
            raise UserError(_how_to_quote(text)) from None


def _how_to_quote(text: str) -> str:
    key, separator, value = text.partition("=")
    if not separator or not re.fullmatch(r"[+~\w./@:-]+", key):
        return f"{text} is no setting: say KEY=VALUE"
    quoted = shlex.quote(f"{key}={in_quotes(value)}")
    return f"{text} is no setting that Hydra can parse; if its value is a text, say {quoted}"


def _word(text: str) -> str:
    return text if is_plain(text) or _MEANT.fullmatch(text) else in_quotes(text)


def is_plain(value: str) -> bool:
    """Whether Hydra's parser takes ``value`` for a word as it is."""
    return bool(_PLAIN.fullmatch(value)) and not _NUMBER.fullmatch(value)


def in_quotes(value: str) -> str:
    """``value`` so that Hydra's parser takes it for what it is."""
    # A backslash counts for itself, but before a quotation mark.
    escaped = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), value)
    return f"'{escaped}'"


def _exists(value: str) -> bool:
    try:
        return Path(value).expanduser().exists()
    except (OSError, RuntimeError):  # too long a name; a user who is not known
        return False
