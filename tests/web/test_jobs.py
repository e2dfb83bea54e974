"""Long clips become jobs, which the page finds again after a reload."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from playwright.sync_api import Page, expect

import mien.api.pages
from mien.app import create_app
from tests.api.live import serving, settings
from tests.clips import PatchEngine

OpenPage = Callable[..., AbstractContextManager[Page]]


class Jobs:
    """The routes of a service with jobs, with one job whose state the test sets."""

    def __init__(self, app: FastAPI, result: bytes) -> None:
        self.state: dict[str, Any] = {"state": "running", "progress": 0.25, "eta_seconds": 30.0}
        self.cancelled = False

        async def of(request: Request) -> dict[str, Any]:
            return {"id": request.path_params["job"], **self.state}

        async def answer() -> Response:
            return Response(result, media_type="application/json")

        async def cancel() -> None:
            self.cancelled = True
            self.state = {"state": "cancelled"}

        app.add_api_route("/jobs/{job}", of)
        app.add_api_route("/jobs/{job}/result", answer)
        app.add_api_route("/jobs/{job}", cancel, methods=["DELETE"])


@pytest.fixture
def jobs(service: str, clip: Path) -> Iterator[tuple[str, Jobs]]:
    result = httpx.post(f"{service}/analyze-video", content=clip.read_bytes()).raise_for_status().content
    app = create_app(settings(), PatchEngine())
    jobs = Jobs(app, result)
    with serving(app) as client:
        yield str(client.base_url), jobs


def test_a_job_goes_on_across_a_reload(opened: OpenPage, jobs: tuple[str, Jobs], tmp_path: Path, clip: Path) -> None:
    address, told = jobs
    with opened(address) as page:
        accepted = {"status": 202, "headers": {"Location": "/jobs/4711"}, "json": {}}
        page.route("**/analyze-video?mode=async*", lambda route: route.fulfill(**accepted))
        # The browser cannot tell the length of this one, so that it counts as long.
        (tmp_path / "long.ts").write_bytes(b"long")
        page.locator("#file").set_input_files(tmp_path / "long.ts")
        expect(page.locator("#results")).to_contain_text("Analysing: 25 %, about 30 s left")
        assert page.url.endswith("#job=4711")
        page.reload()
        expect(page.locator("#results")).to_contain_text("Analysing: 25 %")
        page.route("**/jobs/4711", lambda route: route.abort("connectionrefused"))
        expect(page.locator("#results")).to_contain_text("keeps asking")  # a server that restarts
        page.unroute("**/jobs/4711")
        told.state = {"state": "succeeded", "progress": 1}
        page.locator(".person").wait_for()
        page.get_by_label("Choose the clip again").set_input_files(clip)
        expect(page.locator("video")).to_have_js_property("videoWidth", 320)


def test_a_job_can_be_cancelled(opened: OpenPage, jobs: tuple[str, Jobs]) -> None:
    address, told = jobs
    with opened(address, "/#job=4711") as page:
        page.get_by_role("button", name="Cancel the analysis").click()
        expect(page.locator("#results [role=alert]")).to_contain_text("was cancelled")
    assert told.cancelled


def test_the_page_knows_what_the_service_has(jobs: tuple[str, Jobs], service: str) -> None:
    assert " jobs" in f" {_features(jobs[0])}"
    assert mien.api.pages._features(create_app(settings(), PatchEngine())) == _features(service).split()


def _features(address: str) -> str:
    return httpx.get(address).text.partition('data-features="')[2].partition('"')[0]
