"""An endpoint that stylizes photos, one at a time, with limits.

From a clone of faststyle::

    pip install -e . fastapi uvicorn
    uvicorn --app-dir integrations/fastapi app:app
    curl --data-binary @photo.jpg "http://127.0.0.1:8000/stylize?style=udnie&size=512" -o out.png
"""

import asyncio
import tempfile
from functools import cache
from pathlib import Path
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, HTTPException, Query, Request, Response

from faststyle import Stylizer
from faststyle.core.errors import UserError
from faststyle.images.files import load_picture_bytes, save_picture
from faststyle.images.probe import TooLargeError
from faststyle.styles.catalog import list_styles
from faststyle.stylize.options import RenderOptions

MAX_BYTES, MAX_PIXELS, MAX_RESULT = 20_000_000, 25_000_000, 4_000_000
MAX_WAITING, SECONDS = 8, 60
#: Visitors choose among these; a path or an address of theirs would be read here.
STYLES = frozenset(style.name for style in list_styles())

app = FastAPI(title="faststyle")
at_once = CapacityLimiter(1)
load = cache(Stylizer.load)


@app.post("/stylize", response_class=Response)
async def stylize(
    request: Request,
    style: str = "starry_night",
    strength: Annotated[float, Query(ge=0, le=1)] = 1.0,
    size: Annotated[int, Query(ge=1, le=1080)] = 512,
) -> Response:
    """The photo that is the request's body as a PNG, its short side ``size`` pixels or less."""
    if style not in STYLES:
        raise HTTPException(404, f"no such style: choose one of {', '.join(sorted(STYLES))}")
    if at_once.statistics().tasks_waiting >= MAX_WAITING:
        raise HTTPException(503, "too many photos are waiting", {"Retry-After": "10"})
    content = await _body(request)
    try:
        result = await to_thread.run_sync(_work, content, style, strength, size, limiter=at_once)
    except TooLargeError as error:
        raise HTTPException(413, str(error)) from None
    except UserError as error:
        raise HTTPException(422, str(error)) from None
    return Response(result, media_type="image/png")


async def _body(request: Request) -> bytes:
    content = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise HTTPException(413, f"the photo is larger than {MAX_BYTES:,} bytes")
    except TimeoutError:
        raise HTTPException(408, f"the photo did not come within {SECONDS} seconds") from None
    return bytes(content)


def _work(content: bytes, style: str, strength: float, size: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        photo, result = Path(folder, "photo"), Path(folder, "result.png")
        photo.write_bytes(content)
        try:
            picture = load_picture_bytes(photo, MAX_PIXELS, size)
            short = min(size, *picture.pixels.shape[1:])
            options = RenderOptions(size=short, strength=strength, max_pixels=MAX_RESULT)
            [stylized] = load(style).process([picture.with_depth(8)], options)
        except UserError as error:
            # The folder is nobody's business.
            raise type(error)(str(error).replace(str(photo), "the photo")) from None
        save_picture(stylized, result)
        return result.read_bytes()
