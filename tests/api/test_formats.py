"""Tables and research files by ``Accept``."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow.parquet
import pytest
from pympi.Elan import Eaf

from tests.api.live import picture, problem, serving_fake
from tests.clips import PatchEngine, moving, steps, write_clip
from tests.fakes import FakeEngine


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", steps(25), moving(25)).read_bytes()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving_fake(PatchEngine()) as client:
        yield client


def send(client: httpx.Client, clip: bytes, accept: str) -> httpx.Response:
    return client.post("/analyze-video", content=clip, headers={"content-type": "video/mp4", "accept": accept})


def test_elan(client: httpx.Client, clip: bytes, tmp_path: Path) -> None:
    answer = send(client, clip, "text/x-eaf+xml").raise_for_status()
    assert answer.headers["content-type"].startswith("text/x-eaf+xml")
    (tmp_path / "a.eaf").write_bytes(answer.content)
    people = send(client, clip, "application/json").json()["people"]
    found = Eaf(str(tmp_path / "a.eaf")).get_annotation_data_for_tier("Person 1")
    assert [(start / 1000, end / 1000) for start, end, *_ in found] == [
        (segment["start"], segment["end"]) for segment in people[0]["segments"]
    ]


def test_boris_and_webvtt(client: httpx.Client, clip: bytes) -> None:
    boris = send(client, clip, "text/tab-separated-values").raise_for_status()
    assert [line.split("\t")[1:3] for line in boris.text.splitlines()] == [["Person 1", "happy"]] * 2
    captions = send(client, clip, "text/vtt").raise_for_status()
    assert captions.text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v Person 1>happy")


def test_parquet_has_the_rows_of_the_csv(client: httpx.Client, clip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = send(client, clip, "application/vnd.apache.parquet").raise_for_status()
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
    rows = list(csv.DictReader(io.StringIO(send(client, clip, "text/csv").text)))
    assert table.column("frame").to_pylist() == [int(row["frame"]) for row in rows]
    assert table.column_names == list(rows[0])
    monkeypatch.setattr("mien.usecases.clip_formats.has_parquet", lambda: False)
    refused = problem(send(client, clip, "application/vnd.apache.parquet"), 406, "not_acceptable")
    assert "parquet" not in refused["detail"]


def test_pictures_as_csv() -> None:
    with serving_fake(FakeEngine(faces=2)) as client:
        files = [("file", ("a.png", picture(100))), ("file", ("b.txt", b"text"))]
        answer = client.post("/predict?labels=basic5", files=files, headers={"accept": "text/csv"}).raise_for_status()
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(row["picture"], row["face"], row["error"]) for row in rows] == [
            ("a.png", "1", ""),
            ("a.png", "2", ""),
            ("b.txt", "", "unsupported_media"),
        ]
        assert "angry" in rows[0]
        assert "contempt" not in rows[0]
        problem(client.post("/predict", content=b"text", headers={"accept": "text/csv"}), 415, "unsupported_media")
