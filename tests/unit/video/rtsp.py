"""A camera on the network: an RTSP server (RFC 2326) that sends MPEG-TS in RTP (RFC 2250) over its TCP connection."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PACKET = 188  # bytes, of MPEG-TS
_CLOCK = 90_000

_SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track\r\n"


@contextmanager
def rtsp_camera(stream: bytes, seconds: float, silent: float = 0.0) -> Iterator[tuple[str, list[str]]]:
    """Shows ``stream``, a transport stream, to each client for ``seconds``, and hangs up after ``silent`` seconds. Its
    URL, and the methods called so far."""
    methods: list[str] = []

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.settimeout(5)
                _serve(client, stream, seconds, methods)
                time.sleep(silent)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"rtsp://127.0.0.1:{listener.getsockname()[1]}/camera", methods
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _serve(client: socket.socket, stream: bytes, seconds: float, methods: list[str]) -> None:
    lines = client.makefile("rb")
    while request := lines.readline().split():
        headers = dict(line.rstrip().split(b": ", 1) for line in iter(lines.readline, b"\r\n"))
        method = request[0].decode()
        methods.append(method)
        extra, body = b"Session: 1\r\n", b""
        if method == "OPTIONS":
            extra = b"Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            extra, body = b"Content-Type: application/sdp\r\n", _SDP
        elif method == "SETUP":
            extra += b"Transport: " + headers[b"Transport"] + b"\r\n"
        answer = b"RTSP/1.0 200 OK\r\nCSeq: " + headers[b"CSeq"] + b"\r\n" + extra
        client.sendall(answer + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        if method == "PLAY":
            _play(client, stream, seconds)
            return


def _play(client: socket.socket, stream: bytes, seconds: float) -> None:
    pieces = [stream[at : at + 7 * _PACKET] for at in range(0, len(stream), 7 * _PACKET)]
    for number, piece in enumerate(pieces):
        stamp = int(_CLOCK * seconds * number / len(pieces))
        packet = struct.pack("!BBHII", 0x80, 33, number & 0xFFFF, stamp, 1) + piece
        client.sendall(struct.pack("!cBH", b"$", 0, len(packet)) + packet)
        time.sleep(seconds / len(pieces))
