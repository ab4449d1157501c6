import os
import time

import pytest

from faststyle.apps.demo import work
from faststyle.apps.demo.work import VisitorError
from faststyle.apps.demo.workshop import Workshop
from tests.apps.demo.conftest import run_async


def test_work_that_takes_too_long_or_kills_its_process_is_refused_and_the_next_is_done(
    styles: list[str],
) -> None:
    workshop = Workshop(styles, {"device": "cpu"}, time_limit=60)

    async def main() -> None:
        await workshop.do(work.programs)
        workshop._time_limit = 0.5
        for what, argument in ((time.sleep, 60), (os._exit, 1)):
            with pytest.raises(VisitorError, match="more than can be done"):
                await workshop.do(what, argument)
        workshop._time_limit = 60
        programs = await workshop.do(work.programs)
        assert [program["name"] for program in programs] == ["night", "wave", "all"]

    run_async(main())
    workshop.close()
