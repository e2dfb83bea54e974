"""Files that name other files or addresses: nothing is opened, and nothing is told of what is there."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.live import picture, serving_fake
from tests.clips import PatchEngine, moving, steps, write_clip
from tests.references import PLAYLISTS, Listener, with_reference

ELSEWHERE = "what another file holds"


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving_fake(PatchEngine()) as client:
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text and a clip."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "text.txt").write_text(ELSEWHERE)
    write_clip(folder / "clip.mp4", steps(10), moving(10))
    return folder


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("path", ["/predict", "/analyze-video"])
def test_a_text_that_names_others_is_refused(
    client: httpx.Client, listener: Listener, folder: Path, path: str, kind: str
) -> None:
    host, port = listener.address.split(":")
    urls = (
        *(f"http://{listener.address}/clip.ts", f"tcp://{listener.address}", f"file://{folder}/text.txt"),
        *(f"concat:{folder}/text.txt", str(folder / "clip.mp4")),
    )
    for url in urls:
        content = PLAYLISTS[kind].format(url=url, host=host, port=port).encode()
        for name, media_type in (("clip.m3u8", "application/vnd.apple.mpegurl"), ("clip.mp4", "video/mp4")):
            answer = client.post(path, files={"file": (name, content, media_type)})
            assert answer.status_code == 415, answer.text
            assert ELSEWHERE not in answer.text
    assert listener.seen == []


@pytest.mark.parametrize("url", ["http://{address}/x", "tcp://{address}", "file://{folder}/text.txt"])
def test_an_address_is_no_picture(client: httpx.Client, listener: Listener, folder: Path, url: str) -> None:
    text = url.format(address=listener.address, folder=folder)
    answer = client.post("/predict", json={"images": [text]})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_field")
    answer = client.post("/predict", json={"images": [{"url": text}]})
    assert answer.status_code == 400
    assert client.post("/predict", params={"url": text}, content=picture()).status_code == 422
    assert listener.seen == []


def test_samples_in_another_file_are_not_read(client: httpx.Client, listener: Listener, folder: Path) -> None:
    """A QuickTime file may say that its samples are in another file (``dref``)."""
    for url in (f"http://{listener.address}/x", f"file://{folder}/clip.mp4"):
        clip = with_reference((folder / "clip.mp4").read_bytes(), url.encode() + b"\0")
        answer = client.post("/analyze-video", content=clip, headers={"content-type": "video/mp4"})
        assert answer.status_code in {200, 415, 422}, answer.text
        own = client.post("/analyze-video", content=(folder / "clip.mp4").read_bytes())
        if answer.status_code == 200:  # the samples at these places in the file itself
            assert answer.json()["timeline"] == own.json()["timeline"]
    assert listener.seen == []
