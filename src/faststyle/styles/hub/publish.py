"""Uploading a folder to a repository of the Hugging Face Hub."""

from pathlib import Path
from typing import NamedTuple

from faststyle.core.errors import UserError, needs_extra
from faststyle.core.version import __version__
from faststyle.styles.hub.problems import explain

#: What people write by hand, and what therefore is never replaced.
CARD = "README.md"
#: Seconds without an answer after which the Hub is given up.
PATIENCE = 60.0


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
