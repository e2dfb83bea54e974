from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from mien.domain import U8Array
from tests.clips import Recipe, steps, write_clip
from tests.jobs.object_store import ObjectStore
from tests.jobs.postgres import Postgres, binaries, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    with running(found) as server:
        yield server


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with ObjectStore(tmp_path_factory.mktemp("object-store")) as store:
        yield store


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of the astronaut, who moves; a key frame every 0.2 s."""
    photo = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)

    def pictures() -> Iterator[U8Array]:
        for k in range(125):
            shift = 90 - abs(k % 180 - 90)
            yield np.ascontiguousarray(photo[0:400, 60 + shift : 380 + shift])

    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    return write_clip(path, steps(125), pictures(), Recipe(options=(("sc_threshold", "0"),), gop=5))


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """A photograph of one person, as JPEG."""
    return cv2.imencode(".jpg", cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR))[1].tobytes()
