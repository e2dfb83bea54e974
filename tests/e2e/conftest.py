from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
import skimage.data

from mien.domain import U8Array
from tests.clips import Recipe, steps, write_clip
from tests.e2e.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running service, shared by all tests that do not stop it."""
    folder = tmp_path_factory.mktemp("server")
    with Server(folder) as server:
        yield server


@pytest.fixture(scope="session")
def client(server: Server) -> httpx.Client:
    return server.client


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """A public-domain photograph of one smiling person, 512 x 512, as JPEG."""
    pixels = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, 95))[1].tobytes()


@pytest.fixture(scope="session")
def astronaut_file(astronaut: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "astronaut.jpg"
    path.write_bytes(astronaut)
    return path


@pytest.fixture(scope="session")
def pan(astronaut: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pan over the astronaut, recorded on a rotated phone."""
    photo = cv2.imdecode(np.frombuffer(astronaut, np.uint8), cv2.IMREAD_COLOR)

    def pictures() -> Iterator[U8Array]:
        for k in range(50):
            upright = photo[0:400, 2 * k : 2 * k + 320]
            yield np.ascontiguousarray(np.rot90(upright))

    path = tmp_path_factory.mktemp("clips") / "pan.mp4"
    return write_clip(path, steps(50), pictures(), Recipe(rotation=-90, sound="aac"))
