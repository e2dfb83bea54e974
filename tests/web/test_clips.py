"""Clips on the page: boxes in step, timelines that seek, names, and what can be saved."""

import csv
import json
from pathlib import Path

import av
import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.clips import moving, steps, write_clip
from tests.web.test_pictures import saved

# The middle of what is drawn over the video, from 0 to 1 of its width; null without a box.
DRAWN = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, Math.round(canvas.height * 0.3), canvas.width, 1);
  const at = [...Array(canvas.width).keys()].filter((x) => data[4 * x + 3] > 0);
  return at.length ? (at[0] + at.at(-1)) / 2 / canvas.width : null;
}"""


@pytest.fixture
def player(page: Page, clip: Path) -> Page:
    page.locator("#file").set_input_files(clip)
    page.locator(".person").wait_for()
    expect(page.locator("video")).to_have_js_property("readyState", 4)
    return page


def box_after(page: Page, time: float) -> float:
    """Where the box is when the clip is at ``time``."""
    page.locator("video").evaluate(
        "(video, time) => new Promise((done) => { video.onseeked = done; video.currentTime = time; })", time
    )
    page.evaluate("() => new Promise(requestAnimationFrame)")
    return float(page.locator(".stage canvas").evaluate(DRAWN))


def test_boxes_are_drawn_in_step(player: Page) -> None:
    first, middle, last = (box_after(player, time) for time in (0.0, 1.9, 3.7))
    # The patch moves evenly from 50 to 270 of 320 px in 99 frames of 40 ms. Between the analysed frames the box moves
    # on as the patch does.
    assert first == pytest.approx(50 / 320, abs=0.01)
    assert middle == pytest.approx((50 + 220 * 1.9 / 3.96) / 320, abs=0.01)
    assert last == pytest.approx((50 + 220 * 3.7 / 3.96) / 320, abs=0.01)


def test_a_click_on_the_timeline_seeks(player: Page) -> None:
    over = player.locator(".person .u-over")
    box = over.bounding_box()
    assert box is not None
    over.click(position={"x": box["width"] / 2, "y": 20})
    time = player.locator("video").evaluate("(video) => video.currentTime")
    assert time == pytest.approx(2, abs=0.15)
    player.locator(".segments button").first.click()
    expect(player.locator("video")).to_have_js_property("currentTime", 0)


def test_the_timeline_zooms(player: Page) -> None:
    def labels() -> str:
        return player.locator(".person canvas").evaluate("(canvas) => canvas.toDataURL()")

    whole = labels()
    player.get_by_role("button", name="Zoom in").click()
    assert (zoomed := labels()) != whole
    player.get_by_role("button", name="Whole clip").click()
    assert labels() == whole
    over = player.locator(".person .u-over")
    box = over.bounding_box()
    assert box is not None
    player.mouse.move(box["x"] + 20, box["y"] + 20)
    player.mouse.down()
    player.mouse.move(box["x"] + 120, box["y"] + 20, steps=5)
    player.mouse.up()
    assert labels() not in {whole, zoomed}


def test_people_can_be_named_and_results_saved(player: Page) -> None:
    player.get_by_label("Name of person 1").fill("Ada <3")
    rows = list(csv.DictReader(saved(player, "CSV").read_text().splitlines()))
    assert {row["name"] for row in rows} == {"Ada <3"}
    assert [float(row["time"]) for row in rows[:3]] == [0, 0.2, 0.4]
    answer = json.loads(saved(player, "JSON").read_text())
    assert (len(answer["timeline"]), answer["people"][0]["dominant"]) == (20, "happy")
    assert set(answer) == {"request_id", "video", "timeline", "people", "summary", "models", "timing_ms"}
    subtitles = saved(player, "Subtitles (WebVTT)").read_text()
    assert subtitles == "WEBVTT\n\n00:00:00.000 --> 00:00:04.000\nAda &lt;3: happy\n"
    assert saved(player, "Plot").read_bytes().startswith(b"\x89PNG")
    with av.open(str(saved(player, "Annotated clip"))) as annotated:
        assert annotated.streams.video[0].width == 320
    with av.open(str(saved(player, "Redacted clip"))) as redacted:
        assert redacted.streams.video[0].width == 320


def test_a_clip_that_the_browser_cannot_play_is_shown_as_the_annotated_copy(page: Page, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "old.avi", steps(25), moving(25))
    page.locator("#file").set_input_files(path)
    expect(page.locator("#message")).to_contain_text("annotated copy is shown", timeout=20_000)
    expect(page.locator("video")).to_have_js_property("videoWidth", 160)


def test_what_is_wrong_with_a_clip_is_said(page: Page) -> None:
    page.locator("#file").set_input_files([FilePayload(name="clip.mp4", mimeType="video/mp4", buffer=b"no clip")])
    expect(page.locator("#results [role=alert]")).to_contain_text("not a clip")
