"""Everybody can use the page: axe-core finds nothing, the keyboard is enough, and a phone's width too."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mien.render.palette import EMOTION_COLOURS
from tests.web.test_pictures import choose, shown

OpenPage = Callable[..., AbstractContextManager[Page]]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
FINDINGS = """() => axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))"""
# The lowest contrast of a control's border or filling to what is around it (WCAG 1.4.11).
CONTRAST = """() => {
  const linear = (one) => (one /= 255) <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
  const luminance = (colour) => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number);
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const behind = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    return /, 0\\)/.test(backgroundColor) ? behind(element.parentElement) : backgroundColor;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const controls = "button:not(.face), .button, select, input:not([type=file]), .drop, .bar";
  return [...document.querySelectorAll(controls)].filter((one) => one.checkVisibility()).map((one) =>
    [contrast(getComputedStyle(one).borderTopColor, behind(one.parentElement)), one.outerHTML.slice(0, 80)]);
}"""
STATES = ["empty", "picture", "clip", "models", "notice", "docs"]


def bring_about(page: Page, state: str, clip: Path) -> None:
    if state == "docs":
        page.goto("/docs")
        for summary in page.locator("#operations > details > summary").all()[:2]:
            summary.click()
    elif state in {"models", "notice"}:
        page.goto(f"/#{state}")
        page.locator(f"#{state} h2").first.wait_for()
    elif state != "empty":
        page.locator("#options summary").click()
        if state == "picture":
            choose(page, "face.png", "face.heic", form="heif")
            page.locator(".drawn").first.wait_for()
        else:
            page.locator("#file").set_input_files(clip)
            page.locator(".person").wait_for()


@pytest.mark.parametrize("look", [("light", 1280), ("dark", 360)], ids=["desktop", "phone"])
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_found_by_axe_nor_runs_out_of_the_window(
    opened: OpenPage, service: str, clip: Path, state: str, look: tuple[str, int]
) -> None:
    scheme, width = look
    viewport: dict[str, Any] = {"width": width, "height": 800}
    with opened(service, color_scheme=scheme, viewport=viewport, has_touch=width == 360) as page:
        bring_about(page, state, clip)
        page.evaluate(AXE)
        assert page.evaluate(FINDINGS) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert [one for one in page.evaluate(CONTRAST) if one[0] < 3] == []


def test_the_keyboard_is_enough(page: Page) -> None:
    def tab_to(name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("() => document.activeElement.textContent.trim() || document.activeElement.id") == name:
                return
        raise AssertionError(f"{name} cannot be reached")

    tab_to("Try a sample picture")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_contain_text("in 1 picture")
    page.reload()
    tab_to("file")
    assert page.locator("label.main").evaluate("(label) => getComputedStyle(label).outlineStyle") == "solid"
    choose(page, "face.png")
    shown(page)
    tab_to("1 happy")
    expect(page.locator(".faces tbody tr")).to_have_class("lit")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Face 1, show in the picture")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Face 1, happy")).to_be_focused()


def test_the_colours_are_those_of_the_pictures(page: Page) -> None:
    assert page.evaluate("() => import('/static/page/emotions.js').then(({ COLOURS }) => COLOURS)") == EMOTION_COLOURS
