"""One box per head, in a clip and in a composed group."""

import itertools

import numpy as np
import pytest

from mien.domain import AnalyzeOptions, Box, DetectorMode, Frame
from mien.engine.local import LocalEngine
from mien.usecases.analyze_video import VideoOptions, VideoRun
from mien.video.model import Sampling
from tests.models.astronauts import group_of_six
from tests.models.conftest import ROOT

CLIP = ROOT.parent / "shared" / "media" / "clips" / "fnp_video.mp4"


def share_a_head(one: Box, other: Box) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    offset = abs(one.x + one.width / 2 - other.x - other.width / 2)
    return across > 0 and down > 0 and across * down >= 0.2 * smaller and offset < 0.3 * np.sqrt(smaller)


def test_the_hair_of_a_man_looking_down_is_not_a_second_person(engine: LocalEngine) -> None:
    if not CLIP.exists():
        pytest.skip("../shared/media/clips is not here")
    options = AnalyzeOptions(detector=DetectorMode.ACCURATE)
    with VideoRun(CLIP, options, VideoOptions(Sampling(5.0, 1.8, 3.2)), engine=engine) as run:
        rows = [[face.box for face in row.faces] for row in run.rows()]
    assert len(rows) >= 6
    assert max(len(boxes) for boxes in rows) >= 6
    assert not any(share_a_head(*pair) for boxes in rows for pair in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("mode", list(DetectorMode))
def test_every_head_of_a_group_has_one_box(engine: LocalEngine, mode: DetectorMode) -> None:
    picture = group_of_six()
    frame = Frame(picture, picture.shape[1], picture.shape[0])
    (result,) = engine.analyze([frame], AnalyzeOptions(detector=mode))
    assert len(result.faces) == 6
    assert not any(share_a_head(one.box, other.box) for one, other in itertools.combinations(result.faces, 2))
