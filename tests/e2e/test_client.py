"""The clients against a live server: the results are those of ``mien.Analyzer``."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import httpx
import numpy as np
import pytest

import mien
from mien.client.errors import RequestRefused
from mien.domain import U8Array
from mien.errors import InputError
from tests.e2e.server import Server


@pytest.fixture(scope="module")
def analyzer() -> Iterator[mien.Analyzer]:
    with mien.Analyzer() as analyzer:
        yield analyzer


@pytest.fixture(scope="module")
def remote(server: Server) -> Iterator[mien.Client]:
    with mien.Client(server.url) as client:
        yield client


def test_a_picture_is_the_same_here_and_there(
    remote: mien.Client, analyzer: mien.Analyzer, astronaut_file: Path, client: httpx.Client, tmp_path: Path
) -> None:
    result = remote.analyze(astronaut_file, labels="basic7")
    assert result == analyzer.analyze(astronaut_file, labels="basic7")
    files = {"file": (astronaut_file.name, astronaut_file.read_bytes())}
    answer = client.post("/predict", params={"labels": "basic7"}, files=files).json()
    assert result.to_dict() == answer["images"][0]
    assert result.save_annotated(tmp_path / "a.png").read_bytes() == remote.annotate(astronaut_file, labels="basic7")
    assert result.methods() == analyzer.analyze(astronaut_file, labels="basic7").methods()
    pixels = cv2.imread(str(astronaut_file))
    assert remote.analyze(pixels, colour="bgr") == analyzer.analyze(pixels, colour="bgr")


def test_a_list_of_pictures_in_groups(remote: mien.Client, analyzer: mien.Analyzer, astronaut_file: Path) -> None:
    pictures = [*[astronaut_file] * 17, b"text", Path("none.jpg"), np.zeros((64, 64), np.uint8)]
    there, here = remote.analyze(pictures), analyzer.analyze(pictures)
    assert there[:17] == here[:17]
    assert there[19] == here[19]
    for one, other in zip(there[17:19], here[17:19], strict=True):
        assert one.error is not None
        assert other.error is not None
        assert one.error.code == other.error.code


def test_a_clip_is_the_same_here_and_there(
    remote: mien.Client, analyzer: mien.Analyzer, pan: Path, tmp_path: Path
) -> None:
    result = remote.analyze_video(pan, fps=4)
    assert result == analyzer.analyze_video(pan, fps=4)
    assert result.request_id
    assert tuple(remote.frames(pan, fps=4)) == result.timeline
    assert result.methods() == analyzer.analyze_video(pan, fps=4).methods()
    assert result.save_annotated(tmp_path / "out.mp4").stat().st_size > 1000


def test_the_event_loop_has_the_same(server: Server, remote: mien.Client, astronaut_file: Path, pan: Path) -> None:
    async def go() -> None:
        async with mien.AsyncClient(server.url, fps=4) as client:
            pictures, clip = await asyncio.gather(client.analyze([astronaut_file] * 2), client.analyze_video(pan))
            assert pictures == remote.analyze([astronaut_file] * 2)
            assert clip == remote.analyze_video(pan, fps=4)
            assert tuple([frame async for frame in client.frames(pan)]) == clip.timeline
            assert await client.annotate(astronaut_file, redact=True) == remote.annotate(astronaut_file, redact=True)

    asyncio.run(go())


def frames_of(path: Path) -> list[U8Array]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]


def test_clips_are_drawn_here_and_there(
    remote: mien.Client, analyzer: mien.Analyzer, pan: Path, tmp_path: Path
) -> None:
    kinds = [("drawn", False), ("redacted", True)]
    here = [frames_of(analyzer.annotate_video(pan, tmp_path / f"{name}.mp4", redact=redact)) for name, redact in kinds]
    there = [
        frames_of(remote.annotate_video(pan, tmp_path / f"there-{name}.mp4", redact=redact)) for name, redact in kinds
    ]
    (face, *_) = remote.analyze_video(pan).timeline[0].faces
    left, top = round(face.box.x + face.box.width / 4), round(face.box.y + face.box.height / 4)
    inner = np.s_[top : top + round(face.box.height / 2), left : left + round(face.box.width / 2)]

    def detail(pixels: U8Array) -> float:
        return float(cv2.Laplacian(cv2.cvtColor(pixels[inner], cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())

    for drawn, redacted in (here, there):
        assert len(drawn) == len(redacted) == len(here[0])
        assert detail(redacted[0]) < detail(drawn[0]) / 4
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{where}{name}.mp4" for where in ("", "there-") for name, _ in kinds
    )


def test_a_job_gives_the_same(
    server: Server, remote: mien.Client, analyzer: mien.Analyzer, pan: Path, tmp_path: Path
) -> None:
    here = analyzer.analyze_video(pan, fps=4)
    job = remote.submit(pan, fps=4, annotated=True, redact=True)
    assert job.wait(60) == here
    again = remote.job(job.id)
    assert again.result().to_dict()["people"] == here.to_dict()["people"]
    assert job.id in [state.id for state in remote.jobs("succeeded", limit=1000)]
    assert job.id not in [state.id for state in remote.jobs("running", "failed")]
    assert len(frames_of(again.save_annotated(tmp_path / "job.mp4"))) == here.video.frames_decoded
    job.cancel()
    with pytest.raises(RequestRefused, match="no job"):
        again.state()

    async def go() -> None:
        async with mien.AsyncClient(server.url) as client:
            job = await client.submit(pan, fps=4, annotated=True)
            assert await job.wait(60) == here
            await client.job(job.id).save_annotated(tmp_path / "async.mp4")
            assert job.id in [state.id for state in await client.jobs()]
            await job.cancel()

    asyncio.run(go())
    assert len(frames_of(tmp_path / "async.mp4")) == here.video.frames_decoded


def test_errors_say_what_to_do(remote: mien.Client) -> None:
    with pytest.raises(RequestRefused, match="not a picture") as caught:
        remote.analyze(b"text")
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, mien.ServerError)
    assert (caught.value.code, caught.value.status) == ("unsupported_media", 415)
    assert len(caught.value.request_id or "") == 32
    with pytest.raises(RequestRefused, match="clip"):
        remote.analyze_video(os.urandom(1000))


def test_a_key(tmp_path: Path, astronaut_file: Path) -> None:
    with Server(tmp_path, {"MIEN_API_KEYS": "a-secret-of-tests"}) as server:
        for key in (None, "wrong"):
            with mien.Client(server.url, key) as client, pytest.raises(RequestRefused, match="key") as caught:
                client.analyze(astronaut_file)
            assert caught.value.code == "unauthorized"
        with mien.Client(server.url, "a-secret-of-tests") as client:
            assert "Mien" in client.analyze(astronaut_file).methods()
