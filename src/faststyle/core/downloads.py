"""Fetching files over HTTP: small ones checked before they are kept, large ones resumed."""

import hashlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError
from faststyle.core.version import __version__

#: Wikimedia refuses clients that do not say who they are.
USER_AGENT = f"faststyle/{__version__} (open-source style transfer; python-requests)"
_SMALL_LIMIT = 64 * 2**20
BACKOFF_SECONDS = 1


def fetch_small(url: str, path: Path, check: Callable[[Path], object]) -> None:
    """Download a file of at most 64 MiB to ``path``, which appears only once ``check`` accepts it.

    ``check`` is called with a temporary file. Rate limits (429) and passing errors of the server
    are waited for. Raises ``UserError`` for no network, an error status, or a file that is too
    large; and what ``check`` raises.
    """
    # A missing connection seldom comes back within seconds; a busy server often has time again.
    busy = (429, 500, 502, 503, 504)
    retry = Retry(4, connect=1, backoff_factor=BACKOFF_SECONDS, status_forcelist=busy)
    with requests.Session() as session:
        session.headers["User-Agent"] = USER_AGENT
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        try:
            with (
                session.get(url, stream=True, timeout=(10, 60)) as response,
                atomic_write(path) as temporary,
            ):
                response.raise_for_status()
                _copy(response, temporary, url)
                check(temporary)
        except requests.RequestException as error:
            raise UserError(f"cannot download {url} ({_reason(error)})") from None


def fetch_large(url: str, path: Path, md5: str, retries: int = 5) -> None:
    """Download a large file to ``path`` with a progress bar, going on where an earlier try stopped.

    The file is fetched as ``path`` + ``.part`` and renamed once its MD5 digest agrees; if it does
    not, it is removed. Raises ``UserError`` for that, no network, or an error status.
    """
    from pypdl import Pypdl

    logger = logging.getLogger("faststyle.core.downloads.pypdl")
    logger.propagate = False  # it logs tracebacks of what it then tries again
    logger.addHandler(logging.NullHandler())
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    result = Pypdl(logger=logger).start(
        url,
        str(part),
        retries=retries,
        display=sys.stdout.isatty(),
        overwrite=False,
        headers={"User-Agent": USER_AGENT},
    )
    if not result or not part.is_file():
        raise UserError(
            f"cannot download {url} (no connection, or the server refused); what has arrived is"
            " kept, so simply try again"
        )
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    if digest != md5:
        part.unlink()
        raise UserError(f"the download of {url} is damaged (MD5 {digest}, not {md5}); try again")
    part.replace(path)


def _copy(response: requests.Response, path: Path, url: str) -> None:
    size = 0
    with path.open("wb") as file:
        for chunk in response.iter_content(2**16):
            size += len(chunk)
            if size > _SMALL_LIMIT:
                raise UserError(f"{url} is larger than {_SMALL_LIMIT >> 20} MiB")
            file.write(chunk)


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"status {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "it timed out"
    if isinstance(error, requests.exceptions.RetryError):
        return "the server keeps refusing"
    return "no connection" if isinstance(error, requests.ConnectionError) else str(error)
