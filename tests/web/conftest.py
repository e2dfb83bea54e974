"""A real browser, Debian's Chromium, and real servers around fake engines."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.api.live import serving_fake
from tests.clips import PatchEngine, moving, steps, write_clip
from tests.web.camera import write_camera

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",  # as root, in CI, there is none
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)

OpenPage = Callable[..., Page]


# Not for the whole session: while it is open, other tests could start no event loop.
@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here; .ci/run installs it")
    camera = write_camera(tmp_path_factory.mktemp("camera") / "camera.mjpeg")
    with sync_playwright() as playwright:
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@contextmanager
def _opened(browser: Browser, address: str, path: str, options: dict[str, Any]) -> Iterator[Page]:
    context = browser.new_context(base_url=address, **options)
    context.set_default_timeout(10_000)
    failures: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("request", lambda request: _own(request.url, address, failures))
    try:
        page.goto(path)
        yield page
    finally:
        context.close()
    assert not failures


def _own(url: str, address: str, failures: list[str]) -> None:
    if not url.startswith((address, f"blob:{address}", "data:", address.replace("http", "ws"))):
        failures.append(f"a request to another host: {url}")


@pytest.fixture
def opened(browser: Browser) -> Callable[..., AbstractContextManager[Page]]:
    """Opens a page of a server at an address: ``opened(address, "/docs", viewport=...)``."""

    def open_page(address: object, path: str = "/", **options: Any) -> AbstractContextManager[Page]:
        return _opened(browser, str(address).rstrip("/"), path, options)

    return open_page


@pytest.fixture(scope="package")
def service() -> Iterator[str]:
    """The address of a service that finds the red patch of the tests' clips, as a happy face."""
    with serving_fake(PatchEngine()) as client:
        yield str(client.base_url)


@pytest.fixture
def page(opened: Callable[..., AbstractContextManager[Page]], service: str) -> Iterator[Page]:
    with opened(service) as page:
        yield page


@pytest.fixture(scope="package")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds in which a red patch moves."""
    path = tmp_path_factory.mktemp("clips") / "moving.mp4"
    return write_clip(path, steps(100), moving(100, 320, 240, 80))
