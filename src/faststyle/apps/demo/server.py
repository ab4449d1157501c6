"""The demo's server: what the page asks of it, and how visitors' wishes come to be worked at."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import distribution
from importlib.resources import files
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from faststyle.apps.demo import work
from faststyle.apps.demo.line import Line, Place, Wish
from faststyle.apps.demo.uploads import MAX_BYTES, Uploads
from faststyle.apps.demo.work import MAX_PIXELS, VisitorError
from faststyle.apps.demo.workshop import Workshop
from faststyle.apps.sample import sample_file
from faststyle.core.errors import UserError

#: The short side of what is stylized, in pixels.
SIZES = (128, 1080)
#: The first port that is tried if none is asked for, and how many.
_PORT, _PORTS = 7860, 100
_PREVIEW_COST = 256.0**2  # as that of a picture of so many pixels
_MAX_JSON = 10_000
_HEADERS = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")]


class Demo:
    """Answers of the server, see :func:`build` for their addresses."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.line = Line()
        self.uploads = Uploads()
        self._about: dict[str, Any] = {}

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        """For as long as the server does."""
        self._about = {
            "engine": "server",
            "max_bytes": MAX_BYTES,
            "max_pixels": MAX_PIXELS,
            "programs": await self.workshop.do(work.programs),
        }
        tasks = [asyncio.create_task(task) for task in (self.line.serve(), self._clean())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.workshop.close()
            self.uploads.close()

    async def about(self, _request: Request) -> Response:
        """The styles, and what may be sent."""
        return JSONResponse(self._about)

    async def example(self, _request: Request) -> Response:
        """A picture to begin with."""
        return Response(sample_file(), media_type="image/jpeg")

    async def license(self, _request: Request) -> Response:
        """Of faststyle."""
        return PlainTextResponse(distribution("faststyle").read_text("licenses/LICENSE"))

    async def upload(self, request: Request) -> Response:
        """Take a photo, the body of the request as it is; answers with its name."""
        try:
            name = await self.uploads.take(request.stream())
        except ClientDisconnect:
            return Response(status_code=400)
        return JSONResponse({"photo": name}, status_code=201)

    async def wish(self, request: Request) -> Response:
        """Let a visitor wait for a picture; answers with its name.

        The body is JSON: ``photo``, as the upload named it, and ``program``, ``mixture`` and
        ``size``, as of :func:`faststyle.apps.demo.work.stylize`; or ``photo`` alone for that photo
        in a form that every browser shows.
        """
        photo, arguments, cost = _parse(await _body(request))
        path = self.uploads.find(photo)
        if path is None:
            return _problem("This photo is no longer here. Please choose it again.", 410)
        what = work.stylize if arguments else work.preview
        kept = Wish(
            lambda: self.workshop.do(what, path, *arguments), cost, of=f"{what.__name__} {photo}"
        )
        return JSONResponse({"picture": self.line.add(kept)}, status_code=202)

    async def look(self, request: Request) -> Response:
        """The picture; or, with status 202, how many wait before it and for how many seconds."""
        found = self.line.look(request.path_params["name"])
        if found is None:
            return _problem("This wish is no longer known. Please make it again.", 410)
        if isinstance(found, Place):
            return JSONResponse({"ahead": found.ahead, "seconds": found.seconds}, status_code=202)
        return Response(found, media_type="image/png", headers={"Cache-Control": "no-store"})

    async def leave(self, request: Request) -> Response:
        """Forget a wish."""
        self.line.drop(request.path_params["name"])
        return Response(status_code=204)

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.line.forget_the_gone()
            self.uploads.forget_the_old()


def build(workshop: Workshop, root_path: str = "") -> Starlette:
    """The server.

    Args:
        workshop: where photos are stylized.
        root_path: the path that a proxy has put before all addresses, if it hands that on.
    """
    demo = Demo(workshop)
    page = StaticFiles(directory=str(files("faststyle.apps") / "page"), html=True)
    routes = [
        Route("/styles.json", demo.about),
        Route("/example.jpg", demo.example),
        Route("/license.txt", demo.license),
        Route("/photos", demo.upload, methods=["POST"]),
        Route("/pictures", demo.wish, methods=["POST"]),
        Route("/pictures/{name}", demo.look),
        Route("/pictures/{name}", demo.leave, methods=["DELETE"]),
        Mount("/", page),
    ]
    if prefix := root_path.strip("/"):
        routes.insert(0, Mount(f"/{prefix}", routes=list(routes)))
    return Starlette(
        routes=routes,
        lifespan=demo.running,
        exception_handlers={
            VisitorError: lambda _, error: _problem(str(error), 422),
            HTTPException: lambda _, error: _problem(error.detail, error.status_code),
        },
    )


def serve(workshop: Workshop, host: str, port: int | None, root_path: str = "") -> None:
    """Answer visitors until interrupted.

    Args:
        workshop: as for :func:`build`.
        host: the address to listen on.
        port: none takes the first that is free from 7860.
        root_path: as for :func:`build`.

    Raises:
        UserError: the address or port cannot be had.
    """
    listening = _listen(host, [port] if port else range(_PORT, _PORT + _PORTS))
    shown = f"[{host}]" if ":" in host else host
    where = f"http://{shown}:{listening.getsockname()[1]}/"
    print(f"{where} (Ctrl-C ends it)", flush=True)  # noqa: T201
    config = uvicorn.Config(build(workshop, root_path), log_level="warning", headers=_HEADERS)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, ports: Iterable[int]) -> socket.socket:
    for port in ports:
        with suppress(OSError, OverflowError):
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((host, port), family=family)
    raise UserError(f"cannot listen on {host}, port {port}; choose another --port or --host")


def _problem(text: str, status: int) -> Response:
    return JSONResponse({"error": text}, status_code=status)


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_JSON:
            raise VisitorError("This wish is too long.")
    return body


def _parse(body: bytes) -> tuple[str, tuple[Any, ...], float]:
    """The photo, what :func:`work.stylize` takes besides, and how long it is likely to take."""
    unclear = VisitorError("This wish is not understood.")
    with suppress(ValueError, TypeError, AttributeError, LookupError, RecursionError):
        wish = json.loads(body)
        photo = str(wish["photo"])
        if set(wish) == {"photo"}:
            return photo, (), _PREVIEW_COST
        mixture = {str(name): float(part) for name, part in wish.get("mixture", {}).items()}
        size = int(wish["size"])
        if not SIZES[0] <= size <= SIZES[1]:
            raise VisitorError(f"The short side may have {SIZES[0]} to {SIZES[1]} pixels.")
        return photo, (str(wish["program"]), mixture, size), float(size**2)
    raise unclear
