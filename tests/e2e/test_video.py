"""Clips through the whole service with its own models."""

import io
import json
import subprocess
from contextlib import closing
from pathlib import Path

import av
import httpx
import pytest

from mien.domain import AnalyzeOptions
from mien.engine.local import EngineConfig, open_engine
from mien.store import default_store
from mien.usecases.analyze_video import VideoOptions, analyze_video
from mien.usecases.video_document import analysis_chunks
from mien.video.model import Sampling
from tests.e2e.server import MIEN

SHARED = Path(__file__).parents[3] / "shared" / "media" / "clips"


def shared(name: str) -> bytes:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    return path.read_bytes()


def analyze(client: httpx.Client, content: bytes, **query: object) -> dict:  # type: ignore[type-arg]
    answer = client.post("/analyze-video", content=content, headers={"content-type": "video/mp4"}, params=query)  # type: ignore[arg-type]
    body: dict = answer.raise_for_status().json()  # type: ignore[type-arg]
    return body


def test_one_happy_astronaut_upright_and_moving(client: httpx.Client, pan: Path) -> None:
    body = analyze(client, pan.read_bytes(), fps="native")
    assert (body["video"]["width"], body["video"]["height"], body["video"]["rotation"]) == (320, 400, 90)
    (person,) = body["people"]
    assert person["dominant"] == "happy"
    centres = [
        frame["faces"][0]["box"]["x"] + frame["faces"][0]["box"]["width"] / 2
        for frame in body["timeline"]
        if frame["faces"]
    ]
    assert len(centres) >= 45
    assert centres[0] - centres[-1] == pytest.approx(98, abs=15)


def test_the_answer_does_not_depend_on_the_number_of_workers(pan: Path) -> None:
    texts = set()
    for workers in (1, 2, 4):
        with closing(open_engine(EngineConfig(default_store(), workers))) as engine:
            analysis = analyze_video(pan, AnalyzeOptions(), VideoOptions(Sampling(None)), engine=engine)
        texts.add("".join(analysis_chunks(analysis, {}, {})))
    assert len(texts) == 1


def test_the_command_line_is_deterministic(pan: Path) -> None:
    texts = set()
    for _ in range(2):
        done = subprocess.run([MIEN, "video", str(pan), "--json"], capture_output=True, text=True, check=True)
        texts.add(done.stdout)
    assert len(texts) == 1
    assert json.loads(texts.pop())["people"][0]["dominant"] == "happy"


def test_the_annotated_clip_keeps_its_sound(client: httpx.Client, pan: Path) -> None:
    headers = {"content-type": "video/mp4", "accept": "video/mp4"}
    answer = client.post("/analyze-video", content=pan.read_bytes(), headers=headers).raise_for_status()
    with av.open(io.BytesIO(answer.content)) as file:
        assert [s.codec_context.name for s in file.streams] == ["h264", "aac"]


# A skull is printed on the shirt of the signer in intel_asl_yes.
@pytest.mark.parametrize("name", ["lp_d10.mp4", "lp_d19.mp4", "intel_asl_hungry.mkv", "intel_asl_yes.mkv"])
def test_one_person_throughout(client: httpx.Client, name: str) -> None:
    body = analyze(client, shared(name))
    assert len(body["people"]) == 1
    assert sum(len(frame["faces"]) == 1 for frame in body["timeline"]) >= 0.9 * len(body["timeline"])


def test_no_track_crosses_a_shot_boundary(client: httpx.Client) -> None:
    body = analyze(client, shared("fr_hamilton.mp4"))
    boundaries = [1.51, 3.58, 7.89]
    for person in body["people"]:
        assert not any(person["first_seen"] < time < person["last_seen"] for time in boundaries), person


def test_small_faces_in_a_street_are_tracked_as_few_people(client: httpx.Client) -> None:
    body = analyze(client, shared("fnp_video.mp4"), detector="accurate")
    counts = [len(frame["faces"]) for frame in body["timeline"]]
    assert sum(6 <= count <= 9 for count in counts) > len(counts) / 2
    assert len(body["people"]) <= 14
