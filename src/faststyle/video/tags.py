"""What a clip and its streams say of themselves: title, date, author, language."""

from av.container import InputContainer, OutputContainer
from av.stream import Stream

#: What a file says of how it itself was written, and how it is turned.
_OF_THE_FILE = {
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "duration",
    "rotate",
}
#: What is kept in any case: a player chooses by it.
_LANGUAGE = "language"
#: In the names of tags that say where a clip was taken.
_PLACE = "location"
#: Languages that have two codes (ISO 639-2), of which FFmpeg knows the latter alone in MOV.
_CODES_OF_MOV = (
    "sqi/alb hye/arm eus/baq mya/bur zho/chi cze/ces nld/dut fre/fra kat/geo deu/ger ell/gre"
    " isl/ice mkd/mac msa/may fas/per rum/ron slo/slk bod/tib cym/wel nob/nor swe/sve"
)
_OF_MOV = {code[:3]: code[4:] for code in _CODES_OF_MOV.split()}


def copy_tags(
    source: InputContainer | Stream, target: OutputContainer | Stream, keeps_metadata: bool
) -> None:
    """Give ``target`` the tags that stay true of it: none of the place, or only the language."""
    for name, text in source.metadata.items():
        is_true = name.lower() not in _OF_THE_FILE and _PLACE not in name.lower()
        if is_true and (keeps_metadata or name.lower() == _LANGUAGE):
            target.metadata[name] = text
    language = target.metadata.get(_LANGUAGE)
    is_mov = isinstance(target, Stream) and target.container.format.name == "mov"
    if is_mov and language in _OF_MOV:
        target.metadata[_LANGUAGE] = _OF_MOV[language]
