"""Files that name other files or addresses: nothing is opened, and nothing is told of what is there."""

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.live import picture, serving_fake
from tests.clips import PatchEngine, moving, steps, write_clip

ELSEWHERE = "what another file holds"


class Listener:
    """An address that notes who connects to it."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, address = self._socket.accept()
            except OSError:
                return
            self.seen.append(address)
            connection.close()

    def close(self) -> None:
        self._socket.close()


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


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n",
    "hls-key": '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF:5,\n{url}\n',
    "hls-map": '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-MAP:URI="{url}"\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n',
    "m3u": "#EXTM3U\n#EXTINF:-1,title\n{url}\n",
    "pls": "[playlist]\nFile1={url}\nNumberOfEntries=1\n",
    "sdp": "v=0\no=- 0 0 IN IP4 {host}\ns=x\nc=IN IP4 {host}\nt=0 0\nm=video {port} RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "concat": "ffconcat version 1.0\nfile '{url}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    '<Representation id="1"><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "smooth": '<?xml version="1.0"?><SmoothStreamingMedia><StreamIndex Url="{url}"/></SmoothStreamingMedia>',
    "asx": '<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
    "rtsp": "RTSPtext\nrtsp://{host}:{port}/stream\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">'
    '<image xlink:href="{url}" width="9" height="9"/></svg>',
    "xxe": '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "{url}">]>'
    '<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>',
    "mvg": "push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 '{url}'\npop graphic-context\n",
    "url": "[InternetShortcut]\nURL={url}\n",
    "postscript": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({url}) (r) file 99 string readstring pop show\n",
}


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
        clip = _with_reference((folder / "clip.mp4").read_bytes(), url.encode() + b"\0")
        answer = client.post("/analyze-video", content=clip, headers={"content-type": "video/mp4"})
        assert answer.status_code in {200, 415, 422}, answer.text
        own = client.post("/analyze-video", content=(folder / "clip.mp4").read_bytes())
        if answer.status_code == 200:  # the samples at these places in the file itself
            assert answer.json()["timeline"] == own.json()["timeline"]
    assert listener.seen == []


def _with_reference(clip: bytes, url: bytes) -> bytes:
    """``clip``, whose ``moov`` is behind its samples, with a reference to ``url`` in place of that to itself."""
    entry = clip.index(b"url ") - 4
    old = struct.unpack(">I", clip[entry : entry + 4])[0]
    new = struct.pack(">I", 12 + len(url)) + b"url \0\0\0\0" + url
    content = bytearray(clip[:entry] + new + clip[entry + old :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = content.index(name) - 4
        size = struct.unpack(">I", content[at : at + 4])[0]
        content[at : at + 4] = struct.pack(">I", size + len(new) - old)
    assert clip.index(b"moov") > clip.index(b"mdat"), "no offset of a sample changes"
    return bytes(content)
