"""/docs: the API's reference, where every operation can be tried."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import jsonschema
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.web.pictures import picture

OpenPage = Callable[..., AbstractContextManager[Page]]


def operation(page: Page, path: str) -> Locator:
    page.goto("/docs")
    found = page.locator("#operations > details").filter(has=page.locator(f"summary code:text-is('{path}')"))
    found.locator("> summary").click()
    return found


def test_a_picture_can_be_had_in_the_form_that_is_chosen(page: Page) -> None:
    predict = operation(page, "/predict")
    predict.get_by_label("file").set_input_files([FilePayload(name="a.png", mimeType="", buffer=picture())])
    predict.get_by_label("redact").select_option("true")
    predict.get_by_label("Accept").select_option("image/jpeg")
    with page.expect_request("**/predict*") as request:
        predict.get_by_role("button", name="Try it").click()
    expect(predict.locator(".output img")).to_have_js_property("naturalWidth", 320)
    assert request.value.url.endswith("?redact=true")
    predict.get_by_label("redact").select_option("")
    predict.get_by_label("Accept").select_option("application/json")
    predict.get_by_role("button", name="Try it").click()
    expect(predict.locator(".output pre")).to_contain_text('"emotion": "happy"')


def test_options_with_few_values_are_lists(page: Page) -> None:
    predict = operation(page, "/predict")
    options = predict.get_by_label("labels").locator("option").all_inner_texts()
    assert options == ["default (ferplus8)", "ferplus8", "basic7", "basic5", "fer2013"]
    assert predict.get_by_label("max_faces").get_attribute("placeholder") == "100"
    assert predict.locator("p code").first.inner_text() == "file"  # Markdown, not backticks


def test_only_one_clip_can_be_chosen_and_an_error_is_shown(page: Page) -> None:
    video = operation(page, "/analyze-video")
    file = video.get_by_label("file")
    assert file.get_attribute("multiple") is None
    file.set_input_files([FilePayload(name="a.mp4", mimeType="", buffer=b"text")])
    video.get_by_role("button", name="Try it").click()
    expect(video.locator(".output")).to_contain_text("415")
    expect(video.locator(".output pre")).to_contain_text('"code": "unsupported_media"')


def test_long_answers_are_bounded(page: Page) -> None:
    metrics = operation(page, "/metrics")
    page.route("**/metrics", lambda route: route.fulfill(body="line\n" * 10_000, content_type="text/plain"))
    metrics.get_by_role("button", name="Try it").click()
    expect(metrics.get_by_role("link", name="Save all of it")).to_be_visible()
    box = metrics.locator(".output pre").bounding_box()
    assert box is not None
    assert box["height"] < 500


def test_the_examples_are_as_the_schemas_say(page: Page, service: str) -> None:
    document = httpx.get(f"{service}/openapi.json").json()
    examples = page.evaluate(
        """async (document) => {
          const { Schemas } = await import("/static/docs/schema.js");
          const schemas = new Schemas(document);
          return Object.fromEntries(Object.keys(schemas.all).map((name) =>
            [name, schemas.example({ $ref: `#/components/schemas/${name}` })]));
        }""",
        document,
    )
    for name, example in examples.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.validate(example, schema)


def test_every_option_on_the_page_is_one_of_the_api(page: Page, service: str) -> None:
    schemas = httpx.get(f"{service}/openapi.json").json()["components"]["schemas"]
    for field, schema in (("detector", "DetectorMode"), ("labels", "LabelSet")):
        offered = page.locator(f"[name={field}] option").evaluate_all("(all) => all.map(({ value }) => value)")
        assert set(offered) <= set(schemas[schema]["enum"])
