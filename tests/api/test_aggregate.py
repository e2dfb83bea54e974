"""``MIEN_AGGREGATE_ONLY``: counts over at least five people, in every form of answer, and nothing of one of them."""

import csv
import io
import json
import logging
import re
from collections.abc import Iterator

import httpx
import jsonschema
import pytest

from mien.api import aggregate as routes
from mien.api import clip_answers, images
from tests.api.live import KEY, picture, problem, serving_fake
from tests.clips import scene, steps, write_clip
from tests.fakes import FakeEngine

PNG = picture()
LABELS = ["neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"]
OF_ONE_PERSON = (
    "box",
    "landmarks",
    "confidence",
    "score",
    "person",
    "timeline",
    "segments",
    "valence",
    "quality",
    "faces",
)
"""Members of the usual answers that describe one person."""
PATHS = ("/predict", "/analyze-video")
FORMS = sorted({*images._OFFERS, *clip_answers.offers(), "text/csv"})


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return write_clip(path, steps(25), [scene(160, 120)] * 25).read_bytes()


@pytest.fixture(scope="module")
def six() -> Iterator[httpx.Client]:
    with serving_fake(FakeEngine(faces=6), aggregate_only=True) as client:
        yield client


@pytest.fixture(scope="module")
def four() -> Iterator[httpx.Client]:
    with serving_fake(FakeEngine(faces=4), aggregate_only=True) as client:
        yield client


def post(client: httpx.Client, path: str, clip: bytes, accept: str = "*/*", **query: str) -> httpx.Response:
    content = PNG if path == "/predict" else clip
    return client.post(path, content=content, headers={"accept": accept}, params=query)


@pytest.mark.parametrize("path", PATHS)
def test_counts(six: httpx.Client, clip: bytes, path: str) -> None:
    body = post(six, path, clip).raise_for_status().json()
    found = body["images"][0] if path == "/predict" else body
    assert (found["people"], found["withheld"]) == (6, False)
    assert list(found["counts"]) == LABELS
    assert sum(found["counts"].values()) == 6
    assert body["models"]


@pytest.mark.parametrize("path", PATHS)
def test_below_five_people_the_counts_are_withheld(four: httpx.Client, clip: bytes, path: str) -> None:
    body = post(four, path, clip).raise_for_status().json()
    found = body["images"][0] if path == "/predict" else body
    assert (found["people"], found["counts"], found["withheld"]) == (None, None, True)
    (row,) = csv.DictReader(io.StringIO(post(four, path, clip, "text/csv").raise_for_status().text))
    assert (row["people"], row["withheld"], [row[label] for label in LABELS]) == ("", "true", [""] * 8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", PATHS)
def test_no_form_describes_one_person(six: httpx.Client, four: httpx.Client, clip: bytes, path: str, form: str) -> None:
    for client in (six, four):
        answer = post(client, path, clip, form)
        if form not in routes._OFFERS:
            assert "application/json, text/csv" in problem(answer, 406, "not_acceptable")["detail"]
            continue
        answer.raise_for_status()
        assert answer.headers["content-type"].partition(";")[0] == form
        words = "|".join(OF_ONE_PERSON)
        assert not re.search(rf'"({words})s?"|(^|,)({words})s?(,|$)', answer.text, re.MULTILINE)


def test_the_words_of_one_person_are_those_of_the_usual_answers(clip: bytes) -> None:
    with serving_fake(FakeEngine(faces=6)) as client:
        usual = "".join(post(client, path, clip).text for path in PATHS)
    assert [word for word in OF_ONE_PERSON if f'"{word}"' not in usual] == []


@pytest.mark.parametrize("path", PATHS)
def test_the_table(six: httpx.Client, clip: bytes, path: str) -> None:
    (row,) = csv.DictReader(io.StringIO(post(six, path, clip, "text/csv").raise_for_status().text))
    assert list(row) == ["index", "people", "withheld", "error", *LABELS]
    assert (row["people"], row["withheld"]) == ("6", "false")
    assert sum(int(row[label]) for label in LABELS) == 6


def test_pictures_are_counted_one_by_one(four: httpx.Client) -> None:
    files = [("file", (f"{k}.png", PNG)) for k in range(4)] + [("file", ("broken.png", b"text"))]
    body = four.post("/predict", files=files).raise_for_status().json()
    assert [image["withheld"] for image in body["images"]] == [True] * 5, "16 faces, but of four people perhaps"
    assert [image["error"] and image["error"]["code"] for image in body["images"]] == [*[None] * 4, "unsupported_media"]
    problem(four.post("/predict", content=b"text"), 415, "unsupported_media")


@pytest.mark.parametrize("option", ["max_faces", "min_face", "min_confidence"])
@pytest.mark.parametrize("path", PATHS)
def test_no_option_picks_out_people(six: httpx.Client, clip: bytes, path: str, option: str) -> None:
    assert "only counts" in problem(post(six, path, clip, **{option: "1"}), 422, "invalid_option")["detail"]


def test_labels_and_the_detector_may_be_chosen(six: httpx.Client, clip: bytes) -> None:
    query = {"labels": "basic5", "detector": "accurate"}
    assert list(post(six, "/predict", clip, **query).json()["images"][0]["counts"]) == LABELS[:5]
    assert list(post(six, "/analyze-video", clip, fps="native", **query).json()["counts"]) == LABELS[:5]


def test_a_crowd_is_counted_whole() -> None:
    with serving_fake(FakeEngine(faces=300), aggregate_only=True) as client:
        assert client.post("/predict", content=PNG).json()["images"][0]["people"] == 300


def test_nothing_else_is_served(six: httpx.Client) -> None:
    document = six.get("/openapi.json").json()
    posts = {path for path, methods in document["paths"].items() if set(methods) - {"get"}}
    assert posts == set(PATHS)
    used = json.dumps(document["paths"])
    assert "PredictOut" not in used
    assert "AnalyzeVideoOut" not in used


def test_the_answers_are_as_openapi_says(six: httpx.Client, four: httpx.Client, clip: bytes) -> None:
    document = six.get("/openapi.json").json()
    for path in PATHS:
        answer = document["paths"][path]["post"]["responses"]["200"]["content"]
        assert set(answer) == set(routes._OFFERS)
        schema = {**answer["application/json"]["schema"], "components": document["components"]}
        for client in (six, four):
            jsonschema.validate(post(client, path, clip).json(), schema)


def test_the_log_and_the_metrics_do_not_tell_how_many_few_people_there_were(
    clip: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving_fake(FakeEngine(faces=3), aggregate_only=True) as client:
        for path in PATHS:
            post(client, path, clip).raise_for_status()
        assert "mien_faces_total 0.0" in client.get("/metrics").text.splitlines()
    fields = [record.__dict__["fields"] for record in caplog.records if record.name == "mien.access"]
    assert len(fields) >= 2
    assert not [line for line in fields if "faces" in line]


def test_keys_are_needed_as_ever(clip: bytes) -> None:
    with serving_fake(FakeEngine(faces=6), aggregate_only=True, api_keys=KEY) as client:
        for path in PATHS:
            problem(post(client, path, clip), 401, "unauthorized")
