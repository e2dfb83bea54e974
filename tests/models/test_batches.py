"""Results do not depend on what else is in the batch: they are bit-equal."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image
from skimage.data import astronaut

from mien.domain import AnalyzeOptions, Frame
from mien.engine.local import LocalEngine

OPTIONS = AnalyzeOptions()


def frames() -> list[Frame]:
    """Sixteen pictures of different sizes, light and number of faces."""
    made = []
    for index in range(16):
        side = 200 + 37 * index
        picture = Image.fromarray(astronaut()).resize((side, side)).point(lambda v, i=index: int(v * (1 - i / 40)))
        pixels = np.asarray(picture)[..., ::-1]
        pixels = np.tile(pixels, (1, 1 + index % 3, 1))
        made.append(Frame(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0]))
    return made


def analyzed(engine: LocalEngine, *pictures: Frame) -> list[list[object]]:
    return [
        [(face.box, face.confidence, face.landmarks, tuple(face.scores.items()), face.quality) for face in result.faces]
        for result in engine.analyze(pictures, OPTIONS)
    ]


def test_results_are_equal_alone_in_a_batch_and_under_load(engine: LocalEngine) -> None:
    pictures = frames()
    alone = [analyzed(engine, picture)[0] for picture in pictures]
    assert sum(map(len, alone)) >= 20
    assert analyzed(engine, *pictures) == alone
    with ThreadPoolExecutor(32) as callers:
        concurrent = list(callers.map(lambda index: analyzed(engine, pictures[index % 16])[0], range(96)))
    assert concurrent == [alone[index % 16] for index in range(96)]
