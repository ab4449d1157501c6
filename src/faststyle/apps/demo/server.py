"""The demo's server: what the page asks of it, and how visitors' requests are run."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from importlib.resources import files
from typing import Any, NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from faststyle.apps.demo import worker
from faststyle.apps.demo.request_queue import RequestQueue, StyleRequest
from faststyle.apps.demo.uploads import MAX_BYTES, Uploads
from faststyle.apps.demo.worker import MAX_PIXELS, VisitorError, WorkerPool
from faststyle.apps.sample import sample_file
from faststyle.core.assets import license_text, project_address
from faststyle.core.errors import UserError

log = logging.getLogger(__name__)

#: The short side of what is stylized, in pixels.
SIZES = (128, 1080)
#: The first port that is tried if none is asked for, and how many.
_PORT, _PORTS = 7860, 100
#: What a photo takes besides its pixels, as that of so many of them.
_COST_OF_ANY = 50_000.0
_SHAPE = 4 / 3  # of most photos
_MAX_JSON = 10_000
_UNCLEAR = ValueError, TypeError, AttributeError, LookupError, RecursionError, OverflowError
_NO_PHOTO = "This photo is no longer here. Please choose it again."
_MAX_CONNECTIONS = 500
_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-cache"),  # the files of two versions must not meet
]


class _Wish(NamedTuple):
    """What a page asks for: ``make`` of uploads, of which the first is the photo, and settings."""

    make: Callable[..., bytes]
    uploads: tuple[str, ...]
    settings: tuple[Any, ...] = ()
    cost: float = _COST_OF_ANY


class Demo:
    """Answers of the server, see :func:`build` for their addresses."""

    def __init__(self, pool: WorkerPool, ready: Callable[[], None]) -> None:
        self.pool, self.ready = pool, ready
        self.queue = RequestQueue()
        self.uploads = Uploads()
        self.styles: dict[str, Any] = {}  # and what may be sent

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        """For as long as the server does."""
        self.styles = {
            "engine": "server",
            "project": project_address(),
            "max_bytes": MAX_BYTES,
            "max_pixels": MAX_PIXELS,
            "paintings": True,  # of visitors, too
            "programs": await self.pool.do(worker.programs, limited=False),
        }
        self.ready()
        tasks = [asyncio.create_task(task) for task in (self.queue.serve(), self._clean())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.pool.close()
            self.uploads.close()

    async def upload(self, request: Request) -> Response:
        """Take a photo, the body of the request as it is; answers with its name."""
        _check_own(request)
        name = await self.uploads.take(request.stream())
        return JSONResponse({"photo": name}, status_code=201)

    async def submit(self, request: Request) -> Response:
        """Queue a picture; answers with its name.

        The body is JSON: ``photo``, as the upload named it, and ``program``, ``mixture`` and
        ``size``, as of :func:`faststyle.apps.demo.worker.stylize`; or ``painting``, an upload too,
        and ``size``; or ``photo`` alone for that photo in a form that every browser shows.
        """
        _check_own(request)
        wish = _parse(await _body(request))
        if not all(map(self.uploads.find, wish.uploads)):
            raise HTTPException(410, _NO_PHOTO)

        async def make() -> bytes:
            paths = [self.uploads.find(name) for name in wish.uploads]
            if not all(paths):
                raise VisitorError(_NO_PHOTO)
            result: bytes = await self.pool.do(wish.make, *paths, *wish.settings)
            return result

        visitor = request.client.host if request.client else ""
        subject = wish.uploads[0], wish.make.__name__
        name = self.queue.add(StyleRequest(make, wish.cost, subject, visitor))
        return JSONResponse({"picture": name}, status_code=202)

    async def poll(self, request: Request) -> Response:
        """The picture; or, with status 202, how many wait before it and for how many seconds."""
        found = self.queue.find(request.path_params["name"])
        if found is None:
            raise HTTPException(410, "This wish is no longer known. Please make it again.")
        self.uploads.find(found.subject[0])  # it is needed still
        if found.problem is not None:
            raise found.problem
        if found.result is not None:
            return Response(found.result, media_type="image/png")
        return JSONResponse(asdict(self.queue.position(found)), status_code=202)

    async def cancel(self, request: Request) -> Response:
        """Forget a picture."""
        self.queue.drop(request.path_params["name"])
        return Response(status_code=204)

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(1)
            try:
                self.queue.evict_stale()
                self.uploads.forget_the_old()
            except OSError:  # of a folder that is cleaned from outside; the next time, perhaps
                log.exception("photos could not be deleted")


def build(
    pool: WorkerPool, root_path: str = "", ready: Callable[[], None] = lambda: None
) -> Starlette:
    """The server, which calls ``ready`` once visitors can be answered.

    ``root_path``: the path that a proxy has put before all addresses, if it hands that on.
    """
    demo = Demo(pool, ready)
    page = StaticFiles(directory=str(files("faststyle.apps") / "page"), html=True)
    routes = [
        Route("/styles.json", lambda _: JSONResponse(demo.styles)),
        Route("/example.jpg", lambda _: Response(sample_file(), media_type="image/jpeg")),
        Route("/license.txt", lambda _: PlainTextResponse(license_text())),
        Route("/photos", demo.upload, methods=["POST"]),
        Route("/pictures", demo.submit, methods=["POST"]),
        Route("/pictures/{name}", demo.poll),
        Route("/pictures/{name}", demo.cancel, methods=["DELETE"]),
        Mount("/", page),
    ]
    if prefix := root_path.strip("/"):
        last = prefix.rpartition("/")[2]
        slash = Route(f"/{prefix}", lambda _: RedirectResponse(f"{last}/"))
        routes = [slash, Mount(f"/{prefix}", routes=list(routes)), *routes]
    return Starlette(
        routes=routes,
        lifespan=demo.running,
        # Nobody reads the answer to the last.
        exception_handlers=dict.fromkeys((VisitorError, HTTPException, ClientDisconnect), _refused),
    )


def serve(pool: WorkerPool, host: str, port: int | None, root_path: str = "") -> None:
    """Answer visitors of :func:`build` until interrupted.

    ``port``: none takes the first that is free from 7860. Raises ``UserError`` if it, or the
    address ``host``, cannot be had.
    """
    listening = _listen(host, [port] if port else range(_PORT, _PORT + _PORTS))
    shown = f"[{host}]" if ":" in host else host
    path = root_path.strip("/")
    where = f"http://{shown}:{listening.getsockname()[1]}/{path}{'/' if path else ''}"

    def ready() -> None:
        print(f"{where} (Ctrl-C ends it)", flush=True)  # noqa: T201

    config = uvicorn.Config(
        build(pool, root_path, ready),
        log_level="warning",
        headers=_HEADERS,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, ports: Sequence[int]) -> socket.socket:
    with suppress(OSError):  # an unknown name, asked for once: an answer may take seconds
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
        for port in ports:
            with suppress(OSError, OverflowError):
                return socket.create_server((host, port), family=family)
    raise UserError(f"cannot listen on {host}, port {ports[-1]}; choose another --port or --host")


async def _refused(_request: Request, error: Exception) -> Response:
    detail, status = getattr(error, "detail", str(error)), getattr(error, "status_code", 422)
    remedy = getattr(error, "remedy", "again")
    return JSONResponse({"error": detail, "remedy": remedy}, status)


def _check_own(request: Request) -> None:
    """Refuse what a page of somebody else's asks for in its visitors' browsers."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise VisitorError("This server answers its own page.")


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_JSON:
            raise VisitorError("This wish is too long.")
    return body


def _parse(body: bytes) -> _Wish:
    with suppress(*_UNCLEAR):
        wanted = json.loads(body)
        photo = str(wanted["photo"])
        if set(wanted) == {"photo"}:
            return _Wish(worker.preview, (photo,))
        size = int(wanted["size"])
        if not SIZES[0] <= size <= SIZES[1]:
            raise VisitorError(f"The short side may have {SIZES[0]} to {SIZES[1]} pixels.")
        cost = _COST_OF_ANY + size**2 * _SHAPE
        if "painting" in wanted:
            return _Wish(worker.paint_like, (photo, str(wanted["painting"])), (size,), cost)
        mixture = {str(name): float(part) for name, part in wanted.get("mixture", {}).items()}
        return _Wish(worker.stylize, (photo,), (str(wanted["program"]), mixture, size), cost)
    raise VisitorError("This wish is not understood.")
