import os
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faststyle.apps.demo import worker
from faststyle.apps.demo.worker import VisitorError, WorkerPool
from tests import sixteen
from tests.apps.demo.conftest import run_async


def test_work_that_takes_too_long_or_kills_its_process_is_refused_and_the_next_is_done(
    styles: list[str],
) -> None:
    pool = WorkerPool(styles, {"device": "cpu"}, time_limit=60)

    async def main() -> None:
        await pool.do(worker.programs)
        pool._time_limit = 0.5
        for what, argument in ((time.sleep, 60), (os._exit, 1)):
            with pytest.raises(VisitorError, match="more than can be done"):
                await pool.do(what, argument)
        pool._time_limit = 60
        programs = await pool.do(worker.programs)
        assert [program["name"] for program in programs] == ["night", "wave", "all"]

    run_async(main())
    pool.close()


def test_a_photo_of_16_bits_is_shown_in_8(tmp_path: Path) -> None:
    values = sixteen.photo(tmp_path / "a.png")
    with Image.open(BytesIO(worker.preview(tmp_path / "a.png"))) as shown:
        assert np.array_equal(np.asarray(shown), np.round(values / 257))


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_visitor_is_told_where_memory_ends_whoever_found_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(worker, "load_picture_bytes", fail)
    with pytest.raises(VisitorError, match="too little memory") as raised:
        worker.preview(tmp_path / "a.png")
    assert raised.value.remedy == "smaller"
