"""Every form in which pictures are sent, and the response's shape."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import cv2
import httpx
import numpy as np
import pytest

from mien.domain import LABELS, LabelSet
from tests.api.live import picture, serving_fake, serving_held, wait_until
from tests.fakes import FakeEngine

PNG = picture(100)


def test_multipart_with_one_picture(client: httpx.Client) -> None:
    body = client.post("/predict", files={"file": ("me.png", PNG, "image/png")}).raise_for_status().json()
    (image,) = body["images"]
    assert (image["index"], image["name"], image["width"], image["height"]) == (0, "me.png", 64, 48)
    assert image["error"] is None
    assert body["models"] == {"emotion": "1", "face-detector": "1"}
    assert set(body["timing_ms"]) == {"queue", "decode", "detect", "classify", "total"}
    assert body["timing_ms"]["total"] > 0
    (face,) = image["faces"]
    assert set(face) == {
        *("box", "confidence", "landmarks", "emotion", "score", "uncertain", "scores", "valence", "quality")
    }
    assert set(face["landmarks"]) == {"right_eye", "left_eye", "nose", "right_mouth", "left_mouth"}
    assert set(face["quality"]) == {"sharpness", "brightness", "size", "pose", "ok", "reasons"}


def test_multipart_with_many_pictures_keeps_their_order(client: httpx.Client) -> None:
    files = [("file", (f"{value}.png", picture(value))) for value in range(100, 116)]
    images = client.post("/predict", files=files).raise_for_status().json()["images"]
    assert [image["name"] for image in images] == [f"{value}.png" for value in range(100, 116)]
    assert [image["index"] for image in images] == list(range(16))


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "application/octet-stream", None])
def test_raw_body(client: httpx.Client, media_type: str | None) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    body = client.post("/predict", content=PNG, headers=headers).raise_for_status().json()
    assert body["images"][0]["name"] is None
    assert len(body["images"][0]["faces"]) == 1


def test_raw_body_in_chunks_without_a_length(client: httpx.Client) -> None:
    chunks = (PNG[start : start + 50] for start in range(0, len(PNG), 50))
    body = client.post("/predict", content=chunks, headers={"content-type": "image/png"}).raise_for_status().json()
    assert len(body["images"][0]["faces"]) == 1


def test_json_with_base64_and_data_uri(client: httpx.Client) -> None:
    plain = base64.b64encode(PNG).decode()
    wrapped = base64.encodebytes(PNG).decode()
    body = client.post("/predict", json={"images": [plain, f"data:image/png;base64,{plain}", wrapped]})
    faces = [image["faces"] for image in body.raise_for_status().json()["images"]]
    assert faces[0] == faces[1] == faces[2]
    assert len(faces[0]) == 1


def test_the_same_picture_gives_the_same_bytes_in_every_company(client: httpx.Client) -> None:
    def faces(response: httpx.Response) -> list[str]:
        return [json.dumps(image["faces"]) for image in response.raise_for_status().json()["images"]]

    alone = faces(client.post("/predict", content=PNG))[0]
    together = faces(client.post("/predict", files=[("file", ("x.png", PNG))] * 16))
    with ThreadPoolExecutor(32) as pool:
        crowd = list(pool.map(lambda _: faces(client.post("/predict", content=PNG))[0], range(32)))
    assert {alone, *together, *crowd} == {alone}


@pytest.mark.parametrize("labels", list(LabelSet))
def test_scores_sum_to_one_and_name_the_labels_asked_for(client: httpx.Client, labels: LabelSet) -> None:
    for value in range(0, 250, 10):
        body = client.post("/predict", params={"labels": labels}, content=picture(value)).json()
        face = body["images"][0]["faces"][0]
        assert set(face["scores"]) == set(LABELS[labels])
        assert sum(face["scores"].values()) == pytest.approx(1, abs=1e-3)
        assert face["score"] == face["scores"][face["emotion"]]


def test_no_face_is_a_normal_answer() -> None:
    with serving_fake(FakeEngine(faces=0)) as client:
        assert client.post("/predict", content=PNG).raise_for_status().json()["images"][0]["faces"] == []


def test_one_bad_picture_does_not_fail_the_others(client: httpx.Client) -> None:
    files = [("file", ("a.png", PNG)), ("file", ("b.jpg", b"not a picture")), ("file", ("c.png", b""))]
    first, second, third = client.post("/predict", files=files).raise_for_status().json()["images"]
    assert first["error"] is None
    assert len(first["faces"]) == 1
    assert second["error"]["code"] == "unsupported_media"
    assert second["error"]["status"] == 415
    assert third["error"]["code"] == "invalid_request"
    assert third["faces"] == []


def test_several_pictures_that_all_fail_are_still_answered_one_by_one(client: httpx.Client) -> None:
    body = client.post("/predict", json={"images": ["***", 7]}).raise_for_status().json()
    assert [image["error"]["field"] for image in body["images"]] == ["images[0]", "images[1]"]


@pytest.mark.parametrize(("media_type", "start"), [("image/png", b"\x89PNG"), ("image/jpeg", b"\xff\xd8")])
def test_the_annotated_picture(client: httpx.Client, media_type: str, start: bytes) -> None:
    response = client.post("/predict", content=picture(200, 320, 240), headers={"accept": media_type})
    assert response.raise_for_status().headers["content-type"] == media_type
    assert response.content.startswith(start)
    drawn = cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    assert drawn.shape == (240, 320, 3)
    assert drawn.std() > 1, "nothing was drawn"


def test_redact_and_explain_change_the_annotated_picture(client: httpx.Client) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    content = cv2.imencode(".png", noise)[1].tobytes()
    wanted: list[dict[str, str]] = [{}, {"redact": "true"}, {"explain": "true"}]
    answers = [
        client.post("/predict", params=params, content=content, headers={"accept": "image/png"}) for params in wanted
    ]
    assert len({answer.raise_for_status().content for answer in answers}) == 3


def test_a_large_upload_waits_in_a_file_and_is_read_whole() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (600, 800, 3), dtype=np.uint8)
    content = cv2.imencode(".png", noise)[1].tobytes()
    with serving_fake(spool_memory_bytes=1000) as client:
        for request in ({"content": content}, {"files": {"file": content}}):
            image = client.post("/predict", **request).raise_for_status().json()["images"][0]
            assert (image["width"], image["height"]) == (800, 600)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_large_picture_among_small_ones_is_answered(as_json: bool) -> None:
    small, large = picture(90, 40, 30, ".webp"), picture(90, 300, 300, ".webp")
    with serving_fake(max_pixels=100_000) as client:
        if as_json:
            images = [base64.b64encode(content).decode() for content in (small, large)]
            answer = client.post("/predict", json={"images": images})
        else:
            answer = client.post("/predict", files=[("file", ("a", content)) for content in (small, large)])
        assert [image["width"] for image in answer.raise_for_status().json()["images"]] == [40, 300]


def test_large_pictures_leave_the_threads_to_small_ones() -> None:
    small, large = picture(90, 40, 30, ".webp"), picture(90, 300, 300, ".webp")
    with serving_held(64, max_pixels=100_000) as (client, state, gate), ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(client.post, "/predict", content=large) for _ in range(12)]
        wait_until(lambda: state.large_gate.admitted == 12 and state.gate.admitted == 0)
        honest = pool.submit(client.post, "/predict", content=small)
        wait_until(lambda: state.gate.admitted == 1)
        gate.set()
        assert honest.result(10).status_code == 200
        assert {request.result(10).status_code for request in waiting} == {200}
