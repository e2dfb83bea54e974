"""Live sources: the newest picture wins, and a stream that breaks off is connected to again."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mien.errors import InputError, InvalidOption
from mien.video import live_reader, live_source
from mien.video.live_reader import LiveReader
from mien.video.live_source import Kind, LiveSource
from tests.clips import PATCH, Recipe, moving, scene, steps, write_clip
from tests.unit.video.rtsp import rtsp_camera

STREAM = Recipe(form="mpegts", gop=5)


@contextmanager
def broadcasting(data: bytes, seconds: float = 0.3, refuse: int = 0) -> Iterator[tuple[str, list[float]]]:
    """An HTTP server that sends ``data`` to each client over ``seconds`` and hangs up; the ``refuse`` clients after the
    first get nothing. Its URL, and when clients came."""
    came: list[float] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            came.append(time.monotonic())
            with client:
                if 1 < len(came) <= 1 + refuse:
                    continue
                client.recv(4096)
                client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
                for at in range(0, len(data), max(1, len(data) // 10)):
                    try:
                        client.sendall(data[at : at + max(1, len(data) // 10)])
                    except OSError:
                        break
                    time.sleep(seconds / 10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://user:secret@127.0.0.1:{listener.getsockname()[1]}/live.ts?token=secret", came
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def reading(source: LiveSource, tell: Callable[[str], None] = lambda _: None) -> LiveReader:
    return LiveReader(source, 1920, tell)


def test_a_clip_is_played_at_its_own_speed(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(20), moving(20))
    started = time.monotonic()
    with reading(LiveSource(Kind.CLIP, str(path))) as reader:
        frames = list(reader.frames())
    assert 0.7 < time.monotonic() - started < 3
    assert reader.received == 20
    assert len(frames) > 5
    assert [frame.time for frame in frames] == [pytest.approx(frame.index / 25) for frame in frames]
    assert frames[-1].index == 19
    assert frames[0].pixels.shape == (120, 160, 3)
    red = frames[-1].pixels[50, 120]
    assert np.abs(red.astype(int) - PATCH).max() < 40


def test_the_newest_picture_wins(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(20), moving(20))
    with reading(LiveSource(Kind.CLIP, str(path))) as reader:
        taken = []
        for frame in reader.frames():
            taken.append(frame.index)
            time.sleep(0.3)
    assert reader.received == 20
    assert len(taken) <= 5
    assert taken[-1] == 19


def test_pictures_are_upright(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(3), [scene(160, 120)] * 3, Recipe(rotation=-90))
    with reading(LiveSource(Kind.CLIP, str(path))) as reader:
        frame = next(reader.frames())
    assert (frame.width, frame.height) == (120, 160)
    assert frame.pixels.shape == (160, 120, 3)


def test_a_stream_that_ends_is_connected_to_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_reader, "_FIRST_PAUSE", 0.2)
    data = write_clip(tmp_path / "clip.ts", steps(25), moving(25), STREAM).read_bytes()
    told: list[str] = []
    with broadcasting(data, refuse=2) as (url, came), reading(LiveSource(Kind.STREAM, url), told.append) as reader:
        times, after = [], 0
        for frame in reader.frames():
            times.append(frame.time)
            after += len(came) >= 4
            if after >= 3:
                break
    assert times == sorted(times)
    assert len(told) == 3
    assert [message.rpartition("connecting again in ")[2] for message in told] == ["0.2 s", "0.4 s", "0.8 s"]
    assert not [message for message in told if "secret" in message]
    assert came[2] - came[1] > 0.35
    assert came[3] - came[2] > 0.75


def test_the_pause_grows_only_while_there_is_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_reader, "_FIRST_PAUSE", 0.05)
    data = write_clip(tmp_path / "clip.ts", steps(10), moving(10), STREAM).read_bytes()
    told: list[str] = []
    with broadcasting(data, 0.05) as (url, came), reading(LiveSource(Kind.STREAM, url), told.append) as reader:
        for _ in reader.frames():
            if len(came) >= 4:
                break
    assert {message.rpartition(" in ")[2] for message in told} == {"0.05 s"}


def test_a_camera_on_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_reader, "_FIRST_PAUSE", 0.05)
    data = write_clip(tmp_path / "clip.ts", steps(25), moving(25), STREAM).read_bytes()
    told: list[str] = []
    with rtsp_camera(data, 0.5) as (url, methods), reading(LiveSource(Kind.STREAM, url), told.append) as reader:
        for frame in reader.frames():
            assert (frame.width, frame.height) == (160, 120)
            if methods.count("PLAY") == 2:
                break
    assert methods[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert told[0].startswith(f"{url}: ")


def test_a_camera_that_falls_silent_is_connected_to_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_reader, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(live_source, "_TIMEOUT", 0.5)
    data = write_clip(tmp_path / "clip.ts", steps(25), moving(25), STREAM).read_bytes()
    told: list[str] = []
    with rtsp_camera(data, 0.2, silent=3) as (url, _), reading(LiveSource(Kind.STREAM, url), told.append):
        deadline = time.monotonic() + 3
        while not told:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert told[0] == f"{url}: it broke off (nothing came for 0.5 s); connecting again in 0.05 s"


@pytest.mark.parametrize("kind", [Kind.STREAM, Kind.CLIP, Kind.CAMERA])
def test_a_source_that_was_never_there_is_an_error(kind: Kind, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://user:secret@127.0.0.1:{port}/"
    source = LiveSource(kind, {Kind.STREAM: url, Kind.CLIP: str(tmp_path / "no.mp4"), Kind.CAMERA: "97"}[kind])
    with reading(source) as reader, pytest.raises(InputError, match="cannot be opened") as caught:
        next(reader.frames())
    assert str(caught.value).startswith(source.name)
    assert "secret" not in str(caught.value)


def test_what_is_no_clip_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no clip")
    with reading(LiveSource(Kind.CLIP, str(path))) as reader, pytest.raises(InputError, match=r"notes\.mp4"):
        next(reader.frames())


@pytest.mark.parametrize("url", ["ftp://x/y", "/dev/video0", "file:///etc/passwd", "concat:a|b", ""])
def test_what_is_no_stream_is_refused(url: str) -> None:
    with pytest.raises(InvalidOption, match="rtsp://"):
        LiveSource(Kind.STREAM, url).check()


def test_a_playlist_does_not_lead_to_files(tmp_path: Path) -> None:
    secret = write_clip(tmp_path / "secret.ts", steps(5), moving(5), STREAM)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
    with broadcasting(playlist) as (url, _):
        source = LiveSource(Kind.STREAM, url.replace(".ts", ".m3u8"))
        with reading(source) as reader, pytest.raises(InputError):
            next(reader.frames())


def test_leaving_ends_the_thread(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", steps(250), [scene(64, 48)] * 250)
    with reading(LiveSource(Kind.CLIP, str(path))) as reader:
        next(reader.frames())
        started = time.monotonic()
    assert time.monotonic() - started < 0.9
    assert not [thread for thread in threading.enumerate() if thread.name == "mien-live-reader"]
