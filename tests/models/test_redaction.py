"""Redaction hides every face, including those that the options leave out of the result."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from mien.domain import AnalyzeOptions, DetectorMode
from mien.engine.local import LocalEngine
from mien.images.decoder import PictureDecoder
from mien.images.limits import DecodeLimits
from mien.usecases.analyze_image import PictureInput
from mien.usecases.annotate_image import RenderOptions, annotate_image

SIDES = (20, 22, 24)  # px, widths of the faces; the astronaut's is 94
PLACES = [(160 * column + 60, 240 * row + 90) for row in range(4) for column in range(8)]


def crowd() -> tuple[bytes, list[tuple[slice, slice]]]:
    """A PNG of 32 small faces on 1280 x 960, and the middle of each."""
    head = Image.fromarray(astronaut()).crop((150, 30, 300, 200))
    canvas = Image.new("RGB", (1280, 960), (120, 130, 140))
    middles = []
    for number, (x, y) in enumerate(PLACES):
        scale = SIDES[number % len(SIDES)] / 94
        canvas.paste(head.resize((round(150 * scale), round(170 * scale)), Image.Resampling.LANCZOS), (x, y))
        # In the crop the face lies at 28 to 122 across and 28 to 142 down.
        across, down = (slice(round(at + 45 * scale), round(at + 115 * scale)) for at in (x, y))
        middles.append((down, across))
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue(), middles


@pytest.mark.parametrize("mode", list(DetectorMode))
@pytest.mark.parametrize(
    "requested", [{}, {"min_confidence": 0.05}, {"min_confidence": 0.9999}, {"min_face": 300.0}, {"max_faces": 1}]
)
def test_every_small_face_is_hidden(engine: LocalEngine, mode: DetectorMode, requested: dict[str, float]) -> None:
    data, middles = crowd()
    before = np.asarray(Image.open(io.BytesIO(data)))
    options = AnalyzeOptions(detector=mode, **requested)  # type: ignore[arg-type]
    decoder = PictureDecoder(DecodeLimits(), 2)
    answer = annotate_image(
        PictureInput(None, data), options, RenderOptions(redact=True), engine=engine, decoder=decoder
    )
    after = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))
    visible = [place for place in middles if np.abs(after[place].astype(int) - before[place]).mean() < 8]
    assert len(middles) == 32
    assert visible == []
    if requested.get("min_confidence") == 0.9999:
        assert answer.picture.faces == ()  # the options still apply to what is reported
