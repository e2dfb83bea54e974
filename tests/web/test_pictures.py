"""Pictures on the page: every way in, what is shown of them, and what can be saved."""

import base64
import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.web.pictures import picture

TRANSFER = """([kind, target, name, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/png" }));
  const options = { bubbles: true, cancelable: true };
  const event = kind === "paste" ? new ClipboardEvent(kind, { ...options, clipboardData: transfer })
    : new DragEvent(kind, { ...options, dataTransfer: transfer });
  document.querySelector(target).dispatchEvent(event);
  return event.defaultPrevented;
}"""


def choose(page: Page, *names: str, form: str = "png") -> None:
    page.locator("#file").set_input_files([FilePayload(name=name, mimeType="", buffer=picture(form)) for name in names])


def shown(page: Page) -> Locator:
    """The results, once there are any."""
    page.locator("#results .faces").first.wait_for()
    return page.locator("#results article")


def saved(page: Page, name: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(download.value.path())


def width_of(page: Page) -> int:
    image = page.locator("#results img").first
    expect(image).to_have_js_property("complete", True)
    return int(image.evaluate("(image) => image.naturalWidth"))


def test_a_sample_needs_no_file(page: Page) -> None:
    page.get_by_role("button", name="Try a sample picture").click()
    expect(page.locator("#results h2")).to_have_text("astronaut.jpg")
    expect(page.locator("#message")).to_contain_text("in 1 picture")


def test_every_score_is_a_bar_with_its_number(page: Page) -> None:
    choose(page, "face.png")
    bars = shown(page).locator(".bars")
    assert bars.locator("dt").all_inner_texts() == [
        *("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
    ]
    assert bars.locator(".value").nth(1).inner_text() == "90 %"
    assert bars.locator("i").nth(1).evaluate("(bar) => [bar.style.width, getComputedStyle(bar).backgroundColor]") == [
        *("90%", "rgb(240, 228, 66)")
    ]
    row = page.locator(".faces tbody tr").inner_text()
    assert "+0.50, pleasant" in row
    assert "Well visible." in row


def test_a_box_lies_on_its_face(page: Page) -> None:
    choose(page, "face.png")
    shown(page)
    image, box = page.locator(".stage img").bounding_box(), page.locator(".face").bounding_box()
    assert image is not None
    assert box is not None
    assert width_of(page) == 320
    found = [(box["x"] - image["x"]) / image["width"], box["width"] / image["width"], box["height"] / image["height"]]
    assert found == pytest.approx([120 / 320, 80 / 320, 80 / 240], abs=0.01)


def test_a_box_and_its_row_light_each_other(page: Page) -> None:
    choose(page, "face.png")
    shown(page)
    box, row = page.locator(".face"), page.locator(".faces tbody tr")
    row.hover()
    expect(box).to_have_class("face lit")
    page.mouse.move(0, 0)
    expect(box).to_have_class("face")
    box.focus()
    expect(row).to_have_class("lit")


def test_several_pictures_are_shown_one_after_the_other(page: Page) -> None:
    choose(page, "a.png", "b.png", "c.png")
    expect(page.locator("#message")).to_have_text("3 faces in 3 pictures")
    assert page.locator("#results h2").all_inner_texts() == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_files_are_taken_anywhere_on_the_page(page: Page, kind: str) -> None:
    data = base64.b64encode(picture()).decode()
    assert page.evaluate(TRANSFER, [kind, "#notice", "there.png", data]), "the browser would open the file"
    expect(shown(page).locator("h2")).to_have_text("there.png")


def test_the_pictures_chosen_last_are_those_shown(page: Page) -> None:
    page.route("**/predict", lambda route: route.continue_() if b"second" in route.request.post_data_buffer else None)
    choose(page, "first.png")
    choose(page, "second.png")
    expect(page.locator("#message")).to_have_text("1 face in 1 picture")
    assert page.locator("#results h2").all_inner_texts() == ["second.png"]


@pytest.mark.parametrize("form", ["heif", "tiff"])
def test_what_the_browser_cannot_show_comes_from_the_server(page: Page, form: str) -> None:
    choose(page, f"face.{form}", form=form)
    shown(page)
    expect(page.locator(".stage.drawn img")).to_be_visible()
    assert width_of(page) == 320


def test_options_are_sent(page: Page) -> None:
    page.locator("#options summary").click()
    page.get_by_label("Labels").select_option("basic5")
    page.get_by_label("Smallest face").fill("40")
    with page.expect_request("**/predict*") as request:
        choose(page, "face.png")
    assert request.value.url.endswith("/predict?labels=basic5&min_face=40")
    expect(shown(page).locator(".bars dt")).to_have_count(5)
    page.get_by_label("Detector").select_option("accurate")
    with page.expect_request("**/predict*") as request:
        page.get_by_role("button", name="Analyse again").click()
    assert "detector=accurate" in request.value.url


def test_the_explanation_is_laid_over_the_picture(page: Page) -> None:
    choose(page, "face.png")
    shown(page)
    plain = page.locator(".stage img").get_attribute("src")
    button = page.get_by_role("button", name="Explain")
    with page.expect_request("**/predict*") as request:
        button.click()
    assert request.value.url.endswith("?explain=true")
    assert request.value.headers["accept"] == "image/png"
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.locator(".stage img").get_attribute("src") != plain
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert page.locator(".stage img").get_attribute("src") == plain


def test_results_can_be_saved(page: Page) -> None:
    choose(page, "face.png")
    shown(page)
    assert json.loads(saved(page, "JSON").read_text())["images"][0]["faces"][0]["emotion"] == "happy"
    (row,) = csv.DictReader(saved(page, "CSV").read_text().splitlines())
    assert (row["picture"], row["face"], row["x"], row["happy"]) == ("face.png", "1", "120", "0.9")
    annotated, redacted = (cv2.imread(str(saved(page, f"{kind} picture"))) for kind in ("Annotated", "Redacted"))
    assert annotated.shape == redacted.shape == (240, 320, 3)
    assert np.abs(annotated.astype(int) - redacted).max() > 50


@pytest.mark.parametrize(
    ("language", "part"),
    [
        ("curl", "-F 'file=@face.png'"),
        ("Python", 'params={"labels": "basic7"}'),
        ("JavaScript", 'openAsBlob("face.png")'),
    ],
)
def test_the_request_can_be_copied_as_code(page: Page, language: str, part: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#options summary").click()
    page.get_by_label("Labels").select_option("basic7")
    choose(page, "face.png")
    shown(page)
    page.get_by_role("button", name=f"Copy as {language}").click()
    expect(page.locator("#message")).to_contain_text("on the clipboard")
    code = page.evaluate("() => navigator.clipboard.readText()")
    assert part in code
    assert "basic7" in code
    assert page.locator("#snippet").inner_text().strip() == code.strip()
