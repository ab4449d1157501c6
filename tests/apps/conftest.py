"""A browser, of which tests share a profile and a page: others take longer than most tests."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium, driven by Playwright; it compiles WebAssembly once, and not again."""
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        pytest.skip("there is no chromium here")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--js-flags=--liftoff-only"]
        launched = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def profile(browser: Any) -> Iterator[Any]:
    """With one page for most tests, and no service workers, so that what is asked for is seen."""
    profile = browser.new_context(service_workers="block")
    profile.new_page()
    yield profile
    profile.close()


@pytest.fixture
def context(profile: Any) -> Iterator[Any]:
    """The shared profile, in which nothing is left of other tests."""
    yield profile
    page, *others = profile.pages
    for other in others:
        other.close()
    profile.unroute_all()
    page.goto("about:blank")
    session = profile.new_cdp_session(page)
    session.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    session.send("Network.clearBrowserCache")
    session.detach()
