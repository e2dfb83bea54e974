"""Clients of other services, the real ones, against a live server."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from google.auth.credentials import AnonymousCredentials
from google.cloud import vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorRestTransport

from tests.e2e.server import Server

KEY = "a-secret-of-compat"
GOOGLE_KEY = [("x-goog-api-key", KEY)]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("compat")
    with Server(folder, {"MIEN_COMPAT": "deepface,google-vision,rekognition", "MIEN_API_KEYS": KEY}) as server:
        yield server


def google(server: Server) -> vision.ImageAnnotatorClient:
    transport = ImageAnnotatorRestTransport(
        host=server.url.removeprefix("http://").rstrip("/"), url_scheme="http", credentials=AnonymousCredentials()
    )
    return vision.ImageAnnotatorClient(transport=transport)


def test_google_cloud_vision(old: Server, astronaut: bytes) -> None:
    answer = google(old).face_detection(image=vision.Image(content=astronaut), metadata=GOOGLE_KEY)
    assert not answer.error.message
    (face,) = answer.face_annotations
    likely = vision.Likelihood
    assert face.joy_likelihood == likely.VERY_LIKELY
    assert face.sorrow_likelihood == face.anger_likelihood == likely.VERY_UNLIKELY
    assert face.headwear_likelihood == likely.UNKNOWN
    assert face.pan_angle == face.tilt_angle == 0
    assert 0.5 < face.detection_confidence <= 1
    left, top = face.bounding_poly.vertices[0].x, face.bounding_poly.vertices[0].y
    assert (170 < left < 185, 50 < top < 70) == (True, True)
    eyes = {mark.type_.name: mark.position.x for mark in face.landmarks}
    assert eyes["LEFT_EYE"] < eyes["RIGHT_EYE"], "left is the viewer's"


def test_google_cloud_vision_refuses_in_its_words(old: Server, astronaut: bytes) -> None:
    kinds = vision.Feature.Type
    requests = [
        {"image": {"content": astronaut}, "features": [{"type_": kinds.LABEL_DETECTION}]},
        {"image": {"source": {"image_uri": "gs://a/b"}}, "features": [{"type_": kinds.FACE_DETECTION}]},
        {"image": {"content": b"text"}, "features": [{"type_": kinds.FACE_DETECTION}]},
        {
            "image": {"content": astronaut},
            "features": [{"type_": kinds.FACE_DETECTION, "max_results": 1}, {"type_": kinds.LABEL_DETECTION}],
        },
    ]
    labels, uri, text, both = google(old).batch_annotate_images(requests=requests, metadata=GOOGLE_KEY).responses
    assert "FACE_DETECTION only" in labels.error.message
    assert "fetches no pictures" in uri.error.message
    assert "not a picture" in text.error.message
    assert len(both.face_annotations) == 1
    assert "only FACE_DETECTION" in both.error.message
    for key in ("wrong", ""):
        answer = old.client.post("/v1/images:annotate", json={"requests": []}, params={"key": key})
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    answer = old.client.post("/v1/images:annotate", json={"requests": []}, params={"key": KEY})
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def rekognition(server: Server, key: str = KEY) -> Any:
    return boto3.client(
        "rekognition",
        endpoint_url=server.url,
        region_name="eu-west-1",
        aws_access_key_id=key,
        aws_secret_access_key=key,
        config=Config(retries={"max_attempts": 0}),
    )


def test_rekognition(old: Server, astronaut: bytes) -> None:
    (face,) = rekognition(old).detect_faces(Image={"Bytes": astronaut}, Attributes=["ALL"])["FaceDetails"]
    assert face["Emotions"][0]["Type"] == "HAPPY"
    assert sum(emotion["Confidence"] for emotion in face["Emotions"]) == pytest.approx(100, abs=0.1)
    assert {emotion["Type"] for emotion in face["Emotions"]} == {
        *("HAPPY", "SAD", "ANGRY", "DISGUSTED", "SURPRISED", "CALM", "FEAR")
    }
    assert {"AgeRange", "Gender", "Smile", "Beard"}.isdisjoint(face)
    assert 170 < face["BoundingBox"]["Left"] * 512 < 185
    eyes = {mark["Type"]: mark["X"] for mark in face["Landmarks"]}
    assert eyes["eyeLeft"] < eyes["eyeRight"], "left is the viewer's"
    (plain,) = rekognition(old).detect_faces(Image={"Bytes": astronaut})["FaceDetails"]
    assert "Emotions" not in plain


@pytest.mark.parametrize(
    ("image", "attributes", "code", "words"),
    [
        ({"Bytes": b"text"}, ["ALL"], "InvalidImageFormatException", "not a picture"),
        ({"S3Object": {"Bucket": "pictures", "Name": "b"}}, [], "InvalidS3ObjectException", "fetches no pictures"),
        ({"Bytes": b"text"}, ["AGE_RANGE"], "InvalidParameterException", "AGE_RANGE is not estimated"),
    ],
)
def test_rekognition_refuses_in_its_words(
    old: Server, image: dict[str, Any], attributes: list[str], code: str, words: str
) -> None:
    with pytest.raises(ClientError, match=words) as caught:
        rekognition(old).detect_faces(Image=image, Attributes=attributes)
    assert caught.value.response["Error"]["Code"] == code


def test_rekognition_needs_the_key_and_answers_nothing_else(old: Server, astronaut: bytes) -> None:
    with pytest.raises(ClientError, match="API key is not one") as caught:
        rekognition(old, "wrong").detect_faces(Image={"Bytes": astronaut})
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"
    with pytest.raises(ClientError, match="is not answered"):
        rekognition(old).detect_labels(Image={"Bytes": astronaut})


def deepface(server: Server, **body: Any) -> httpx.Response:
    return server.client.post("/analyze", json=body, headers={"Authorization": f"Bearer {KEY}"})


def test_deepface(old: Server, astronaut: bytes) -> None:
    img = f"data:image/jpeg;base64,{base64.b64encode(astronaut).decode()}"
    for body in ({}, {"actions": ["emotion"]}, {"actions": "['emotion']", "detector_backend": "retinaface"}):
        (face,) = deepface(old, img=img, **body).raise_for_status().json()["results"]
        assert face["dominant_emotion"] == "happy"
        assert list(face["emotion"]) == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
        assert sum(face["emotion"].values()) == pytest.approx(100, abs=0.1)
        assert 170 < face["region"]["x"] < 185
        assert face["region"]["left_eye"][0] > face["region"]["right_eye"][0], "left is the subject's"
        assert {"age", "gender", "race", "dominant_gender"}.isdisjoint(face)
    plain = base64.b64encode(astronaut).decode()
    assert len(deepface(old, img_path=plain).raise_for_status().json()["results"]) == 1


def test_deepface_refuses_in_its_words(old: Server, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64)).save(tmp_path / "blank.png")
    blank = base64.b64encode((tmp_path / "blank.png").read_bytes()).decode()
    for body, words in (
        ({"img": blank, "actions": ["age", "emotion"]}, "'age' cannot be answered"),
        ({"img": "https://example.org/a.jpg"}, "does not fetch"),
        ({"img": "photos/a.jpg"}, "not base64"),
        ({"img": blank, "anti_spoofing": True}, "anti_spoofing cannot be answered"),
        ({"img": blank}, "Face could not be detected"),
        ({}, "'img' not found"),
    ):
        answer = deepface(old, **body)
        assert answer.status_code == 400
        assert words in answer.json()["error"], body
    assert deepface(old, img=blank, enforce_detection=False).raise_for_status().json() == {"results": []}
    assert old.client.post("/analyze", json={"img": blank}).status_code == 401


def test_without_the_setting_there_is_nothing(server: Server) -> None:
    for path in ("/analyze", "/v1/images:annotate", "/"):
        assert server.client.post(path, json={}).status_code in (404, 405)
