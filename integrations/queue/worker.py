"""A worker that stylizes photos which a web application queues (huey, in a file of SQLite).

From a clone of faststyle::

    pip install -e . huey
    cd integrations/queue
    FASTSTYLE_QUEUE=/tmp/queue.db huey_consumer worker.huey --workers 1

and, in the application, which sees the same ``FASTSTYLE_QUEUE``::

    from worker import stylize
    waiting = stylize("/data/photo.jpg", "/data/photo.png", style="udnie")
    answer = waiting.get(blocking=True, timeout=60)  # {"file": ...} or {"error": ...}

Huey writes messages as pickles: let nobody else write to the queue's file. ``RedisHuey`` in place
of ``SqliteHuey`` serves several machines.
"""

import os
from functools import cache
from pathlib import Path

from huey import SqliteHuey

from faststyle import Stylizer
from faststyle.core.atomic import check_target
from faststyle.core.errors import describe
from faststyle.images.files import load_picture, save_picture
from faststyle.stylize.options import RenderOptions

huey = SqliteHuey("faststyle", filename=os.environ.get("FASTSTYLE_QUEUE", "queue.db"))
load = cache(Stylizer.load)  # once in a worker


@huey.task()  # type: ignore[untyped-decorator]
def stylize(
    photo: str, result: str, style: str = "starry_night", size: int = 720
) -> dict[str, str]:
    """Write ``photo`` in a style to ``result``: the ``file``, else why not in a line: ``error``."""
    try:
        check_target(Path(result), [Path(photo)])
        picture = load_picture(Path(photo))
        short = min(size, *picture.pixels.shape[1:])
        [stylized] = load(style).process([picture], RenderOptions(size=short))
        save_picture(stylized, Path(result))
    except Exception as error:
        if (reason := describe(error)) is None:  # a mistake, whose traceback the worker shows
            raise
        return {"error": reason}
    return {"file": result}
