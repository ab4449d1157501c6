"""What the Hub's errors mean to people."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from faststyle.core.errors import UserError

#: How huggingface_hub is told who one is: nothing here ever sees the token.
LOG_IN = "log in with: hf auth login"


@contextmanager
def explain(what: str) -> Iterator[None]:
    """Turn errors of huggingface_hub into ``UserError``, which begins with ``what``."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        problem = _problem(error)
        if problem is not None:
            raise UserError(f"{what}: {problem}") from None
        raise


def is_unreachable(error: Exception) -> bool:
    """Whether the Hub did not answer, so that what was fetched before has to do."""
    import httpx2  # what huggingface_hub is built on, whose errors it lets through
    from huggingface_hub import errors

    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code >= 500
    return isinstance(error, httpx2.TransportError | errors.OfflineModeIsEnabled)


def _problem(error: BaseException | None) -> str | None:
    import httpx2
    from huggingface_hub import constants, errors

    hub = constants.ENDPOINT
    known = {
        errors.GatedRepoError: f"it is gated: ask for access on its page at {hub}, and {LOG_IN}",
        errors.RepositoryNotFoundError: (
            f"there is no such repository, or it is private; if it is yours, {LOG_IN}"
        ),
        errors.RevisionNotFoundError: "the repository has no such branch, tag or commit",
        errors.LocalTokenNotFoundError: f"nobody is logged in: {LOG_IN}",
        errors.OfflineModeIsEnabled: "HF_HUB_OFFLINE is set, and it was not fetched before",
        errors.XetDownloadError: f"the transfer failed ({error}); try again",
        httpx2.UnsupportedProtocol: (
            f'HF_ENDPOINT is "{hub}": it must begin with https:// or http://'
        ),
        httpx2.ConnectError: f"no connection to {hub}",
        httpx2.ConnectTimeout: f"no connection to {hub}",
        httpx2.TimeoutException: f"{hub} does not answer; try again later",
        json.JSONDecodeError: f"{hub} does not answer as the Hub does",
    }
    for kind, meaning in known.items():
        if isinstance(error, kind):
            return meaning
    if isinstance(error, errors.HfHubHTTPError):
        return _of_status(error.response.status_code, error.server_message)
    if isinstance(error, httpx2.HTTPError):
        return f"the connection to {hub} broke off; try again"
    if isinstance(error, OSError) and error.errno is None:  # of huggingface_hub, not of the system
        return str(error).partition("\n")[0]
    if isinstance(error, ValueError):  # as of a card whose license the Hub does not know
        return str(error)
    if isinstance(error, RuntimeError):  # of a thread
        return _problem(error.__cause__)
    if type(error).__module__.startswith("hf_xet"):
        return known[errors.XetDownloadError]
    return None


def _of_status(status: int, message: str | None) -> str:
    said = f"status {status}" + (f", {' '.join(message.split())}" if message else "")
    known = {
        401: f"the Hub does not know your token ({said}): {LOG_IN}",
        403: f"you may not do this there ({said}): {LOG_IN} with a token that may write",
        429: f"the Hub wants fewer requests ({said}): wait some minutes, or {LOG_IN}",
    }
    return known.get(status, f"the Hub refused ({said})")
