"""Paths among the settings: which files are read, and names that are no words of Hydra's."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf, grammar_parser
from omegaconf.errors import GrammarParseError

from faststyle.core.errors import UserError

#: Settings that are paths, or may be, by the last part of their names.
_PATHS = {
    *("image", "root", "weights", "content", "output", "start", "init", "resume"),
    *("path", "export", "cache", "output_dir", "paintings", "dir", "name"),
}
#: Settings that say where something is written.
_OUTPUTS = {"export", "output", "output_dir", "cache", "hydra"}
#: What Hydra's grammar takes as a plain word.
_PLAIN = re.compile(r"[\w./:@%+*?|$-]*", re.ASCII)
#: A plain word that Hydra takes for a number, a truth value or none, as the name of a folder 2020.
_VALUE = re.compile(
    r"[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d[\d_]*)?|[+-]?(inf|nan)|true|false|null",
    re.IGNORECASE,
)
#: A text in Hydra's quotation marks, and one of several words between commas.
_QUOTED = r"'(?:[^'\\]|\\.)*'" + r'|"(?:[^"\\]|\\.)*"'
_WORDS = re.compile(rf"\s*({_QUOTED}|[^,]*?)\s*(?:,|$)")
#: What Hydra itself makes of an interpolation for the runs of a sweep, and its ways to sweep.
_ESCAPED = re.compile(r".*\$\\\{.*\\\}.*", re.DOTALL)
_SWEEP = re.compile(r"(choice|glob|range|interval|shuffle|sort|tag)\(.*\)", re.DOTALL)


def input_files(node: DictConfig | ListConfig) -> list[Path]:
    """Files that settings name, and that are there, but for what is to be written."""
    found: list[Path] = []
    for key in keys_of(node):
        if key in _OUTPUTS:
            continue
        value = node[key]
        if isinstance(value, DictConfig | ListConfig):
            found += input_files(value)
        elif isinstance(value, str) and exists(value):
            found += [path] if (path := Path(value).expanduser()).is_file() else []
    return found


def keys_of(node: DictConfig | ListConfig) -> list[Any]:
    """The keys, or places, of those settings that are not missing."""
    keys: Any = node.keys() if isinstance(node, DictConfig) else range(len(node))
    return [key for key in keys if not OmegaConf.is_missing(node, key)]


def quote_paths(overrides: Sequence[str]) -> list[str]:
    """``overrides`` with those paths quoted that Hydra would take for something else.

    ``style.image=/Bilder/Müller (1).jpg`` is taken for what it is. Only what Hydra's own quotation
    marks are around, ``null`` and interpolations are left to it, unless a file is called so. A list
    stays a list, and in a sweep (``-m``) commas go on separating values.
    """
    sweeps = is_sweep(overrides)
    return [_quoted(text, sweeps) for text in overrides]


def is_sweep(overrides: Sequence[str]) -> bool:
    """Whether Hydra is to run every choice."""
    return any(text in ("-m", "--multirun") for text in overrides)


def is_path(key: str) -> bool:
    """Whether the setting ``key``, as it is typed, is a path or may be one."""
    return key.lstrip("+~").rpartition(".")[2] in _PATHS


def exists(value: str) -> bool:
    """Whether a file or folder is called ``value``."""
    try:
        return Path(value).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long a name; a user who is not known
        return False


def _quoted(text: str, sweeps: bool) -> str:
    key, separator, value = text.partition("=")
    if not separator or not is_path(key):
        return text
    if value and exists(value):
        return f"{key}={as_path(value)}"
    if value.startswith("[") and value.endswith("]"):
        return f"{key}=[{_each(value[1:-1])}]"
    if sweeps and "," in value and not _SWEEP.fullmatch(value):
        return f"{key}={_each(value)}"
    return text if _SWEEP.fullmatch(value) and sweeps else f"{key}={_word(value)}"


def _each(values: str) -> str:
    # The pattern finds nothing once more at the end.
    return ",".join(_word(match[1]) for match in _WORDS.finditer(values) if match[0])


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
    if text and exists(text):
        return as_path(text)
    if text == "null" or re.fullmatch(_QUOTED, text) or _ESCAPED.fullmatch(text):
        return text
    return in_quotes(text) if _is_interpolation(text) else as_path(text)


def is_word(value: str) -> bool:
    """Whether Hydra's parser takes ``value`` without quotation marks."""
    return bool(_PLAIN.fullmatch(value))


def as_path(value: str) -> str:
    """``value`` so that it reaches the settings as it is, as no code of Hydra's or OmegaConf's."""
    if value == "???":  # OmegaConf's word for what is missing, in quotes too
        return "./???"
    return value if is_word(value) and not _VALUE.fullmatch(value) else in_quotes(escape(value))


def escape(value: str) -> str:
    """``value`` so that OmegaConf sees no interpolation in it."""
    # Backslashes before ${ count, two for one.
    return re.sub(r"(\\*)\$\{", lambda match: match[1] * 2 + r"\${", value)


def in_quotes(value: str) -> str:
    """``value`` so that Hydra's parser takes it for what it is."""
    # A backslash counts for itself, but before a quotation mark.
    escaped = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), value)
    return f"'{escaped}'"


def _is_interpolation(value: str) -> bool:
    try:
        grammar_parser.parse(value)
    except GrammarParseError:
        return False
    return "${" in value
