"""The page of a service that answers only counts over at least five people."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.api.live import serving_fake
from tests.clips import PatchEngine
from tests.fakes import FakeEngine
from tests.web.pictures import picture

OpenPage = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def crowded() -> Iterator[str]:
    with serving_fake(FakeEngine(faces=6), aggregate_only=True) as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
def lonely() -> Iterator[str]:
    with serving_fake(PatchEngine(), aggregate_only=True) as client:
        yield str(client.base_url)


def test_counts_of_a_picture(opened: OpenPage, crowded: str) -> None:
    with opened(crowded) as page:
        page.locator("#file").set_input_files(FilePayload(name="a.png", mimeType="", buffer=picture()))
        expect(page.locator("#results p")).to_contain_text("6 people: ")
        expect(page.locator("#results img")).to_have_count(0)
        expect(page.locator('[data-view="live"]')).to_be_hidden()


def test_too_few_people(opened: OpenPage, lonely: str, clip: Path) -> None:
    with opened(lonely) as page:
        for file in (FilePayload(name="a.png", mimeType="", buffer=picture()), clip):
            page.locator("#file").set_input_files(file)
            expect(page.locator("#results p")).to_have_text(
                "Fewer than five people: this service says nothing of them."
            )
            expect(page.locator("#results h2")).to_have_text("a.png" if isinstance(file, dict) else clip.name)
            expect(page.locator("#error")).to_be_hidden()
