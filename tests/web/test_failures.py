"""What goes wrong is said in words, with a way on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Page, expect

from tests.api.live import KEY, serving_fake
from tests.clips import PatchEngine
from tests.web.pictures import picture
from tests.web.test_pictures import choose, shown

OpenPage = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="package")
def keyed() -> Iterator[str]:
    with serving_fake(PatchEngine(), api_keys=KEY, max_body_bytes=20_000) as client:
        yield str(client.base_url)


def give(page: Page, key: str) -> None:
    page.get_by_role("textbox", name="API key").fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_the_key_is_asked_for_once_and_kept_for_the_session(opened: OpenPage, keyed: str) -> None:
    with opened(keyed) as page:
        choose(page, "a.png", "b.png")
        expect(page.get_by_role("dialog")).to_be_visible()
        expect(page.get_by_role("textbox", name="API key")).to_be_focused()
        give(page, "wrong")
        expect(page.get_by_role("dialog")).to_contain_text("does not know that key")
        give(page, KEY)
        expect(page.locator("#message")).to_have_text("2 faces in 2 pictures")
        page.reload()
        choose(page, "a.png")
        shown(page)
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.goto("/#models")
        expect(page.locator("#models article")).to_have_count(2)


def test_who_has_no_key_is_told_so(opened: OpenPage, keyed: str) -> None:
    with opened(keyed) as page:
        choose(page, "a.png")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#results [role=alert]")).to_have_text("This service answers only with an API key.")


def test_a_server_that_is_away_and_a_proxy(page: Page) -> None:
    alert = page.locator("#results [role=alert]")
    page.route("**/predict", lambda route: route.abort("connectionrefused"))
    choose(page, "a.png")
    expect(alert).to_contain_text("The server does not answer.")
    proxy = {"content_type": "text/html", "body": "<html>Bad gateway</html>"}
    page.route("**/predict", lambda route: route.fulfill(status=502, **proxy))
    choose(page, "a.png")
    expect(alert).to_contain_text("Something between this page and Mien answered in its place (it says 502 Bad")
    page.route("**/predict", lambda route: route.fulfill(status=200, **proxy))
    choose(page, "a.png")
    expect(alert).to_contain_text("Something between this page and Mien answered in its place.")
    page.unroute("**/predict")
    page.get_by_role("button", name="Try again").click()
    shown(page)
    expect(alert).to_have_count(0)


def test_one_bad_file_does_not_stop_the_others(page: Page) -> None:
    files = [
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"text"},
        {"name": "face.png", "mimeType": "", "buffer": picture()},
    ]
    page.locator("#file").set_input_files(files)
    expect(page.locator("#message")).to_have_text("1 face in 1 picture")
    expect(page.locator("#results article").first.get_by_role("alert")).to_contain_text("not")


def test_a_file_that_is_too_large(opened: OpenPage, keyed: str) -> None:
    with opened(keyed) as page:
        page.evaluate("() => sessionStorage.setItem('mien.key', 'a-key-of-the-tests')")
        page.locator("#file").set_input_files([{"name": "big.png", "mimeType": "", "buffer": bytes(50_000)}])
        expect(page.locator("#results [role=alert]")).to_contain_text("20,000")
