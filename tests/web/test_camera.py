"""The camera on the page, fed from a file."""

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect


def test_frames_are_answered_shown_and_recorded(page: Page) -> None:
    page.goto("/#live")
    page.get_by_role("button", name="Start the camera").click()
    status = page.locator("#live [role=status]")
    expect(status).to_have_text(re.compile(r"1 face, [1-9]\d* frames per second, \d+ ms from frame to answer"))
    page.get_by_role("button", name="Record to CSV").click()
    expect(page.locator("#live .person h3")).to_have_text("Person 1: happy 90 %")
    page.wait_for_timeout(500)
    with page.expect_download() as download:
        page.get_by_role("button", name="Stop and save the CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert {row["emotion"] for row in rows} == {"happy"}
    assert len({row["x"] for row in rows}) > 1
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.get_by_role("button", name="Start the camera")).to_be_visible()
