import math
import time
import tracemalloc
from typing import cast

import numpy as np
import pytest

from mien.errors import ModelUnreadable
from mien.vision.detector import MAX_CELLS, MAX_NOISE_CELLS, VOTER_SCORE, DetectorSpec, FaceDetector, RawOutput
from tests.unit.vision.stubs import SPEC, StubSession, bright_spots, cells_of, session


def picture(height: int, width: int, *spots: tuple[int, int], size: int = 8) -> np.ndarray:
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    for x, y in spots:
        pixels[y - size // 2 : y + size // 2, x - size // 2 : x + size // 2] = 255
    return pixels


@pytest.mark.parametrize(
    ("height", "width", "shape"),
    [(480, 640, (256, 320)), (640, 480, (320, 256)), (100, 100, (320, 320)), (1, 1, (320, 320)), (3, 4000, (32, 320))],
)
def test_letterbox_fits_the_long_side_and_pads_to_the_multiple(height: int, width: int, shape: tuple[int, int]) -> None:
    box = FaceDetector(session(bright_spots), SPEC).prepare(np.full((height, width, 3), 7, np.uint8), 320)
    assert box.image.shape == (1, *shape, 3)
    assert box.image.dtype == np.uint8
    assert box.scale == 320 / max(height, width)


def test_letterbox_pads_right_and_bottom_with_black() -> None:
    box = FaceDetector(session(bright_spots), SPEC).prepare(np.full((200, 300, 3), 200, np.uint8), 320)
    inner_height = round(200 * 320 / 300)
    assert (box.image[0, :inner_height] == 200).all()
    assert not box.image[0, inner_height:].any()


def test_boxes_and_landmarks_come_back_in_picture_pixels() -> None:
    detector = FaceDetector(session(bright_spots), SPEC)
    # White around (200, 120) of a 640 x 480 picture: (100, 60) at half scale, the centre of the cell at column 12.
    found = detector.detect(picture(480, 640, (200, 120), size=12), 320, 0.5, 10)
    assert found.boxes == pytest.approx(np.asarray([[160, 60, 240, 180]]), abs=0.01)
    assert found.scores == pytest.approx([0.9])
    assert found.landmarks[0, 0] == pytest.approx([184, 100])
    assert found.landmarks[0, 4] == pytest.approx([212, 144])


def test_threshold_and_max_detections_bound_the_result() -> None:
    detector = FaceDetector(session(bright_spots), SPEC)
    spots = picture(320, 320, (60, 60), (60, 220), (220, 60))
    assert len(detector.detect(spots, 320, 0.5, 10).boxes) == 3
    assert len(detector.detect(spots, 320, 0.5, 2).boxes) == 2
    assert len(detector.detect(spots, 320, 0.95, 10).boxes) == 0


def test_an_empty_picture_has_no_faces() -> None:
    found = FaceDetector(session(bright_spots), SPEC).detect(picture(100, 200), 320, 0.5, 10)
    assert found.boxes.shape == (0, 4)
    assert found.landmarks.shape == (0, 5, 2)


def test_the_network_sees_the_pixels_unchanged_when_they_fit() -> None:
    stub = StubSession(bright_spots)
    pixels = np.random.default_rng(0).integers(0, 255, (320, 320, 3)).astype(np.uint8)
    FaceDetector(cast("object", stub), SPEC).detect(pixels, 320, 0.5, 1)  # type: ignore[arg-type]
    assert (stub.seen[0][0] == pixels).all()


def test_an_error_names_the_missing_key() -> None:
    with pytest.raises(ModelUnreadable, match="strides"):
        DetectorSpec.from_manifest({"multiple": 32})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("threshold", "high"),
        ("nms_iou", [0.4]),
        ("strides", 8),
        ("multiple", math.inf),
        ("min_side", {}),
        ("calibration", "none"),
        ("calibration", {"gain": 0, "bias": 0}),
        ("calibration", {"gain": math.nan, "bias": 0}),
        ("calibration", {"gain": 0.05, "bias": 50}),
    ],
)
def test_an_invalid_value_is_reported_in_one_sentence(key: str, value: object) -> None:
    table = {"strides": [8], "multiple": 32, "threshold": 0.4, "nms_iou": 0.45}
    with pytest.raises(ModelUnreadable, match=r"^A value in \[detector\].* is invalid: .*\.$"):
        DetectorSpec.from_manifest({**table, key: value})


def test_a_manifest_need_not_say_which_faces_are_too_small() -> None:
    table = {"strides": [8], "multiple": 32, "threshold": 0.4, "nms_iou": 0.45}
    assert DetectorSpec.from_manifest(table).min_side == 8
    assert DetectorSpec.from_manifest({**table, "min_side": 6}).min_side == 6


def test_the_threshold_is_a_probability_of_the_calibration() -> None:
    table = {"strides": [8], "multiple": 32, "threshold": 0.4, "nms_iou": 0.45}
    assert DetectorSpec.from_manifest(table).min_score == pytest.approx(0.4)
    spec = DetectorSpec.from_manifest({**table, "calibration": {"gain": 2.0, "bias": 0.0}})
    assert spec.min_score == pytest.approx(math.sqrt(0.4) / (math.sqrt(0.4) + math.sqrt(0.6)))


def test_neighbouring_cells_vote_even_below_the_threshold() -> None:
    def two_cells(images: np.ndarray) -> list[np.ndarray]:
        scores, boxes, landmarks = bright_spots(images)
        boxes = boxes.copy()
        second = np.flatnonzero(scores[0])[1]
        scores[0, second] = 0.3
        boxes[0, second] += 2  # the same face, two pixels larger on every side and a cell to the right
        return [scores, boxes, landmarks]

    detector = FaceDetector(session(two_cells), SPEC)
    pixels = picture(320, 320, (100, 100))
    pixels[96:104, 104:112] = 255
    found = detector.detect(pixels, 320, 0.5, 10)
    assert len(found.boxes) == 1
    assert found.scores == pytest.approx([0.9])
    assert found.boxes[0, 2] == pytest.approx((0.81 * 120 + 0.09 * 130) / 0.9, abs=0.01)


def many_cells(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outputs of a network for ``side`` x ``side`` px in which every cell has its own face of 16 to 40 px."""
    random, count = np.random.default_rng(0), cells_of(side, side)
    scores = random.permutation(np.arange(1, count + 1)).astype(np.float32) / count
    distances = random.uniform(8, 20, (count, 4)).astype(np.float32)
    return scores, distances, random.uniform(-8, 8, (count, 10)).astype(np.float32)


def test_only_the_best_cells_are_decoded_and_a_640_px_input_has_no_more() -> None:
    detector = FaceDetector(session(bright_spots), SPEC)
    assert cells_of(640, 640) <= MAX_CELLS < cells_of(704, 704)
    letterbox = detector.prepare(np.zeros((1280, 1280, 3), np.uint8), 1280)
    scores, distances, offsets = many_cells(1280)
    lowest = np.sort(scores)[-MAX_CELLS]
    found, expected = (
        detector.decode(
            RawOutput(1280, letterbox, np.where(scores >= bound, scores, -1), distances, offsets), 0.0, 1000
        )
        for bound in (0, lowest)
    )
    assert len(found.boxes) == 1000
    assert found.boxes.tobytes() == expected.boxes.tobytes()
    assert found.landmarks.tobytes() == expected.landmarks.tobytes()


def test_decoding_every_cell_of_a_tile_is_fast() -> None:
    detector = FaceDetector(session(bright_spots), SPEC)
    letterbox = detector.prepare(np.zeros((1280, 1280, 3), np.uint8), 1280)
    cells = many_cells(1280)
    begin = time.thread_time()
    found = detector.decode(RawOutput(1280, letterbox, *cells), 0.0, 1000)
    assert time.thread_time() - begin < 1  # 0.1 s, and more than 2 s when every cell voted on every face
    assert len(found.boxes) == 1000
    tracemalloc.start()
    try:
        detector.decode(RawOutput(1280, letterbox, *cells), 0.0, 1000)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20  # 2 MiB, and 516 when the votes were one array
    finally:
        tracemalloc.stop()


def test_a_threshold_of_zero_adds_only_the_best_few_noise_cells() -> None:
    detector = FaceDetector(session(bright_spots), SPEC)
    letterbox = detector.prepare(np.zeros((320, 320, 3), np.uint8), 320)
    scores, distances, offsets = many_cells(320)
    faces, noise = scores > 0.9, np.float32(VOTER_SCORE) * (0.5 + 0.4 * scores)  # all below the score of any face
    output = RawOutput(320, letterbox, np.where(faces, scores, noise), distances, offsets)
    certain, every = (detector.decode(output, threshold, 1000) for threshold in (VOTER_SCORE, 0.0))
    count = len(certain.boxes)
    assert 10 < count < len(every.boxes) <= count + MAX_NOISE_CELLS
    assert every.boxes[:count] == pytest.approx(certain.boxes, abs=0.01)
    assert every.scores[count] == noise[~faces].max()
    nothing = RawOutput(320, letterbox, noise, distances, offsets)
    assert 0 < len(detector.decode(nothing, 0.0, 1000).boxes) <= MAX_NOISE_CELLS
