"""The whole service with its own models: a real photograph in, faces out."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.server import Server


def faces(response: httpx.Response) -> list[str]:
    return [json.dumps(image["faces"]) for image in response.raise_for_status().json()["images"]]


def test_one_happy_face_is_found(client: httpx.Client, astronaut: bytes) -> None:
    answer = client.post("/predict", files={"file": ("astronaut.jpg", astronaut)}).raise_for_status().json()
    (image,) = answer["images"]
    (face,) = image["faces"]
    assert face["emotion"] == "happy"
    assert sum(face["scores"].values()) == pytest.approx(1, abs=1e-3)
    assert 150 < face["box"]["x"] + face["box"]["width"] / 2 < 290
    assert set(answer["models"]) == {"face-detector", "emotion"}


def test_a_picture_gets_the_same_faces_alone_batched_and_concurrently(client: httpx.Client, astronaut: bytes) -> None:
    alone = faces(client.post("/predict", content=astronaut))
    batched = faces(client.post("/predict", files=[("file", ("a.jpg", astronaut))] * 16))
    with ThreadPoolExecutor(32) as pool:
        concurrent = [
            faces(answer)[0] for answer in pool.map(lambda _: client.post("/predict", content=astronaut), range(32))
        ]
    assert {*alone, *batched, *concurrent} == set(alone)
    assert len(batched) == 16


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
def test_the_annotated_picture(client: httpx.Client, astronaut: bytes, media_type: str) -> None:
    query = {"explain": "true", "redact": "true"}
    answer = client.post("/predict", params=query, content=astronaut, headers={"accept": media_type})
    assert answer.raise_for_status().headers["content-type"] == media_type
    assert len(answer.content) > 10_000


def test_models_are_described(client: httpx.Client) -> None:
    for model in client.get("/models").raise_for_status().json()["models"]:
        assert {"sha256", "licence", "input"} <= set(model["card"])
        metadata = client.get(f"/v2/models/{model['name']}").raise_for_status().json()
        assert metadata["inputs"][0]["datatype"] == "UINT8"
        assert metadata["outputs"]


def test_bad_input_does_not_disturb_the_next_request(client: httpx.Client, astronaut: bytes) -> None:
    for content in (b"", b"text", astronaut[:300], b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"\0" * 70_000_000):
        assert 400 <= client.post("/predict", content=content).status_code < 500
        started = time.monotonic()
        assert len(json.loads(faces(client.post("/predict", content=astronaut))[0])) == 1
        assert time.monotonic() - started < 5


def test_metrics_of_a_running_service(client: httpx.Client, astronaut: bytes) -> None:
    client.post("/predict", content=astronaut).raise_for_status()
    page = client.get("/metrics").text
    assert "mien_engine_up 1.0" in page
    assert 'mien_stage_seconds_count{stage="classify"}' in page


def test_ready_within_seconds_of_the_start(server: Server) -> None:
    # 2 s on an idle machine (benchmarks/http_latency.py); a busy one needs more.
    assert server.ready_seconds < 10
