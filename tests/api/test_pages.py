"""The pages for browsers work offline."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

import mien.api.pages
from mien.app import create_app
from tests.api.live import KEY, picture, serving, serving_fake, settings, state_of
from tests.fakes import FakeEngine

_STATIC = Path(mien.api.pages.__file__).parent / "static"


@pytest.mark.parametrize("file", sorted(one for one in _STATIC.rglob("*") if one.is_file()), ids=lambda one: one.name)
def test_nothing_is_loaded_from_elsewhere(client: httpx.Client, file: Path) -> None:
    answer = client.get(f"/static/{file.relative_to(_STATIC).as_posix()}").raise_for_status()
    # The policy below, and the tests in tests/web, hold the vendored library to the same.
    if file.suffix in {".html", ".js", ".css"} and file.parent.name != "vendor":
        assert not re.search(r"(https?:)?//[a-z0-9]", answer.text.replace("// ", "")), "an address of another host"


def test_every_vendored_file_has_its_licence() -> None:
    vendored = {file.name.partition(".")[0] for file in (_STATIC / "vendor").iterdir()}
    assert vendored
    for name in vendored:
        assert (_STATIC / "vendor" / f"{name}.LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_everything_that_a_page_names_is_served(client: httpx.Client, path: str) -> None:
    page = client.get(path).raise_for_status()
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for address in re.findall(r'(?:src|href)="([^":#]+)"', page.text):
        client.get(f"/{address}").raise_for_status()


def test_openapi_lists_every_endpoint_with_its_options_and_errors(client: httpx.Client) -> None:
    document = client.get("/openapi.json").raise_for_status().json()
    assert {"/predict", "/models", "/metrics", "/health/live", "/v2/models/{name}"} <= set(document["paths"])
    predict = document["paths"]["/predict"]["post"]
    assert {parameter["name"] for parameter in predict["parameters"]} == {
        *("detector", "min_face", "min_confidence", "max_faces", "labels", "explain", "redact", "deadline_ms")
    }
    assert {"200", "400", "413", "415", "422", "429", "503", "507"} <= set(predict["responses"])
    assert set(predict["requestBody"]["content"]) >= {"multipart/form-data", "application/json"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of everything that the document lists."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_error_in_openapi_is_a_problem(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    of_problems = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if not status.startswith("2"):
                assert answer["content"] == of_problems, (method, path, status)
                assert answer["description"]
    assert "ValidationError" not in json.dumps(document)
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert named <= set(document["components"]["schemas"])


def test_openapi_lists_401_exactly_where_a_key_is_required() -> None:
    with serving_fake(api_keys=KEY) as client:
        for method, path, operation in operations(client.get("/openapi.json").json()):
            answer = client.request(method, path.format(name="emotion", job=32 * "0"))
            assert (answer.status_code == 401) == ("401" in operation["responses"]) == ("security" in operation), path


@pytest.mark.parametrize("state", ["serving", "unwell", "without models"])
@pytest.mark.parametrize("name", ["emotion", "other"])
def test_openapi_lists_every_response_type(state: str, name: str) -> None:
    app = create_app(settings(), FakeEngine(ready=state == "serving"))
    with serving(app) as client:
        if state == "without models":
            state_of(app).engine.clear("The models are loading.")
        for method, path, operation in operations(client.get("/openapi.json").json()):
            answer = client.request(method, path.format(name=name, job=32 * "0"))
            assert str(answer.status_code) in operation["responses"], (path, answer.text)
            content = operation["responses"][str(answer.status_code)]["content"]
            assert answer.headers["content-type"].partition(";")[0] in content, path


def test_an_answer_is_as_openapi_says(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()

    def check(instance: object, name: str) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.validate(instance, schema)

    files = [("file", ("a.png", picture())), ("file", ("b.png", b"text"))]
    check(client.post("/predict", files=files).json(), "PredictOut")
    check(client.post("/predict?max_faces=0", content=picture()).json(), "ProblemOut")
