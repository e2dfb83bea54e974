"""Long clips become jobs, which the page finds again after a reload."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.api.live import serving_fake
from tests.clips import PatchEngine, moving, write_clip

OpenPage = Callable[..., AbstractContextManager[Page]]
JOB = "0b6ad2a25a0d4b4b9b578fd24f0f5f4e"


def test_a_job_goes_on_across_a_reload(opened: OpenPage, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "long.mp4", [float(k) for k in range(70)], moving(70, 320, 240, 80))
    gate = threading.Event()
    with serving_fake(PatchEngine(gate=gate), data_dir=tmp_path / "data") as client, opened(client.base_url) as page:
        page.locator("#file").set_input_files(clip)
        page.wait_for_url("**/#job=*")
        expect(page.locator("#results")).to_contain_text("Analysing: 0 %")
        page.reload()
        expect(page.locator("#results")).to_contain_text("Analysing: 0 %")
        gate.set()
        page.locator(".person").wait_for(timeout=30_000)
        page.get_by_label("Choose the clip again").set_input_files(clip)
        expect(page.locator("video")).to_have_js_property("videoWidth", 320)


@pytest.fixture
def followed(page: Page) -> Iterator[tuple[Page, dict[str, object]]]:
    """A page that follows a job of any service, and the job's state, which the test sets."""
    state: dict[str, object] = {"state": "running", "progress": 0.25, "eta_seconds": 29.4}

    def job(route: Route) -> None:
        if route.request.method == "DELETE":
            state["state"] = "cancelled"
            route.fulfill(status=204)
        else:
            route.fulfill(json=state)

    page.goto("/docs")  # so that the next address loads the page
    page.route(f"**/jobs/{JOB}", job)
    page.goto(f"/#job={JOB}")
    yield page, state
    page.unroute_all(behavior="ignoreErrors")


def test_progress_is_told_through_a_restart_of_the_server(
    followed: tuple[Page, dict[str, object]], service: str, clip: Path
) -> None:
    page, state = followed
    results = page.locator("#results")
    expect(results).to_contain_text("Analysing: 25 %, about 30 s left")
    page.route(f"**/jobs/{JOB}", lambda route: route.abort("connectionrefused"), times=1)
    expect(results).to_contain_text("keeps asking")
    answer = httpx.post(f"{service}/analyze-video", content=clip.read_bytes()).raise_for_status()
    page.route(f"**/jobs/{JOB}/result", lambda route: route.fulfill(json=answer.json()))
    state["state"] = "succeeded"
    page.locator(".person").wait_for()


def test_a_job_can_be_cancelled(followed: tuple[Page, dict[str, object]]) -> None:
    page, _ = followed
    page.get_by_role("button", name="Cancel the analysis").click()
    expect(page.locator("#results [role=alert]")).to_contain_text("was cancelled")
