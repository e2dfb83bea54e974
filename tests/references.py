"""Files that name other files or addresses, and an address that notes who follows them."""

import socket
import struct
import threading


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


def with_reference(clip: bytes, url: bytes) -> bytes:
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
