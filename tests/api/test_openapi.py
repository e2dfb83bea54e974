"""The OpenAPI document as a programmer and a generator of clients need it."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import pytest

from mien.domain import LABELS
from tests.api.live import KEY, picture, serving_fake

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> Document:
    found: Document = client.get("/openapi.json").raise_for_status().json()
    return found


def operations(document: Document) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def properties(schema: object, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property at any depth, with the path to it."""
    if isinstance(schema, dict):
        for key, member in schema.get("properties", {}).items():
            yield f"{name}.{key}", member
        for key, member in schema.items():
            yield from properties(member, f"{name}.{key}")
    elif isinstance(schema, list):
        for at, member in enumerate(schema):
            yield from properties(member, f"{name}[{at}]")


def test_operation_ids_make_good_names(document: Document) -> None:
    assert {operation["operationId"] for operation in operations(document)} == {
        *("predict", "analyze_video", "list_models", "get_metrics", "health_live", "health_startup", "health_ready"),
        *("server_metadata", "server_live", "server_ready", "model_metadata", "model_ready", "get_privacy"),
        *("list_jobs", "get_job", "job_events", "job_result", "cancel_job"),
    }


def test_every_operation_is_summed_up_and_every_tag_described(document: Document) -> None:
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    for operation in operations(document):
        assert operation["summary"].lower().replace(" ", "_") != operation["operationId"]
        assert set(operation["tags"]) <= set(tags)


def test_every_property_and_option_is_described(document: Document) -> None:
    found = list(properties(document))
    assert len(found) > 80
    assert [name for name, schema in found if not schema.get("description")] == []
    for operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), parameter["name"]


def test_labels_in_answers_are_enums(document: Document) -> None:
    schemas = document["components"]["schemas"]
    for name, key in [("FaceOut", "emotion"), ("VideoFaceOut", "emotion"), ("SegmentOut", "emotion")]:
        assert set(schemas[name]["properties"][key]["enum"]) == {word for words in LABELS.values() for word in words}
    assert set(schemas["QualityOut"]["properties"]["reasons"]["items"]["enum"]) == {
        *("small", "blurred", "dark", "bright", "turned", "cut")
    }


def test_every_example_is_accepted(client: httpx.Client, document: Document) -> None:
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    client.post("/predict", json=content["schema"]["example"]).raise_for_status()
    (name,) = document["paths"]["/v2/models/{name}"]["get"]["parameters"]
    client.get(f"/v2/models/{name['schema']['examples'][0]}").raise_for_status()


def test_every_value_of_an_option_is_accepted(client: httpx.Client, document: Document) -> None:
    schemas = document["components"]["schemas"]
    for path in ("/predict", "/analyze-video"):
        for parameter in document["paths"][path]["post"]["parameters"]:
            schema = parameter["schema"]
            named = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
            words = named.get("enum") or [word for form in named.get("anyOf", ()) for word in form.get("enum", ())]
            for word in words:
                answer = client.post(path, params={parameter["name"]: word}, content=b"no media")
                expected = 503 if word == "async" else 415  # this server has no database of jobs
                assert answer.status_code == expected, (path, parameter["name"], word)
            assert {"type": "null"} not in schema.get("anyOf", ()), "a query string has no null"


def test_forms_take_no_other_field(document: Document) -> None:
    for path in ("/predict", "/analyze-video"):
        content = document["paths"][path]["post"]["requestBody"]["content"]
        assert content["multipart/form-data"]["schema"]["additionalProperties"] is False


def test_a_key_is_optional_unless_keys_are_set(document: Document) -> None:
    schemes = [{"HTTPBearer": []}, {"APIKeyHeader": []}]
    with serving_fake(api_keys=KEY) as keyed:
        asked = keyed.get("/openapi.json").json()
        assert keyed.get("/openapi.json").json() == asked, "the same each time"
    assert document["paths"]["/predict"]["post"]["security"] == [*schemes, {}]
    assert asked["paths"]["/predict"]["post"]["security"] == schemes


def test_bounds_are_those_of_this_service() -> None:
    with serving_fake(max_pictures=3) as client:
        content = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert content["multipart/form-data"]["schema"]["properties"]["file"]["maxItems"] == 3
    assert content["application/json"]["schema"]["properties"]["images"]["maxItems"] == 3


def test_a_deadline_has_a_minimum(document: Document) -> None:
    for path in ("/predict", "/analyze-video"):
        (schema,) = (
            parameter["schema"]
            for parameter in document["paths"][path]["post"]["parameters"]
            if parameter["name"] == "deadline_ms"
        )
        assert (schema["type"], schema["minimum"]) == ("number", 1)


def test_a_clip_is_not_called_a_picture(document: Document) -> None:
    operation = document["paths"]["/analyze-video"]["post"]
    texts = [answer["description"] for answer in operation["responses"].values()]
    texts += [parameter["description"] for parameter in operation["parameters"]]
    assert not [text for text in texts if re.search("picture|base64|JSON", text)]


def test_answers_match_the_enums(client: httpx.Client, document: Document) -> None:
    schema = {"$ref": "#/components/schemas/PredictOut", "components": document["components"]}
    answer = client.post("/predict", content=picture()).raise_for_status().json()
    assert answer["images"][0]["faces"]
    jsonschema.validate(answer, schema)
    answer["images"][0]["faces"][0]["emotion"] = "bored"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(answer, schema)
