"""``mien.compat.fer`` beside what the ``fer`` library's README does, with a fake engine."""

import base64
import csv
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pandas
import pytest

import mien.local.models
import mien.local.shared
from mien.compat.fer import FER, Video
from mien.errors import InputError
from tests.clips import PatchEngine, moving, scene, steps, write_clip
from tests.fakes import FakeEngine

LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
IMG = np.full((240, 320, 3), 90, np.uint8)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    engine = FakeEngine(faces=2)
    monkeypatch.setattr(mien.local.models, "open_engine", lambda _: engine)
    mien.local.shared._shared.cache_clear()
    yield engine
    mien.local.shared._shared.cache_clear()


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(mien.local.models, "open_engine", lambda _: PatchEngine())
    mien.local.shared._shared.cache_clear()
    monkeypatch.chdir(tmp_path)
    yield write_clip(tmp_path / "clip.mp4", steps(30), [*moving(20), *[scene(160, 120)] * 10])
    mien.local.shared._shared.cache_clear()


def test_pictures(engine: FakeEngine, tmp_path: Path) -> None:
    detector = FER()
    first, second = detector.detect_emotions(IMG)
    assert list(first) == ["box", "emotions"]
    assert list(first["emotions"]) == LABELS
    assert all(isinstance(side, int) for side in second["box"])
    assert all(score == round(score, 2) for score in first["emotions"].values())
    assert engine.options is not None
    assert engine.options.min_face == 50
    best = max(first["emotions"], key=lambda name: first["emotions"][name])
    assert detector.top_emotion(IMG) == (best, first["emotions"][best])
    png = cv2.imencode(".png", IMG)[1].tobytes()
    (tmp_path / "a.png").write_bytes(png)
    uri = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    grey = IMG[..., 0]
    for form in (str(tmp_path / "a.png"), uri, grey):
        assert detector.detect_emotions(form) == [first, second]
    assert detector.batch_detect_emotions([IMG, grey]) == [[first, second]] * 2
    assert detector.find_faces(IMG) == [first["box"], second["box"]]
    engine.faces = 0
    assert detector.top_emotion(IMG) == (None, None)
    FER(mtcnn=True).detect_emotions(IMG)
    assert engine.options.detector == "accurate"


def test_what_cannot_be_answered_is_refused(engine: FakeEngine, tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="TensorFlow Serving"):
        FER(tfserving=True)
    with pytest.raises(NotImplementedError, match="face_rectangles"):
        FER().detect_emotions(IMG, [(0, 0, 10, 10)])
    with pytest.raises(InputError, match="fetches no pictures"):
        FER().detect_emotions("https://example.org/a.jpg")
    with pytest.raises(ValueError, match="min_face_size"):
        FER(min_face_size=0)
    with pytest.raises(FileNotFoundError, match=r"none\.mp4"):
        Video(str(tmp_path / "none.mp4"))
    assert engine.seen == 0


def test_the_example_of_its_readme(clip: Path, tmp_path: Path) -> None:
    video = Video(str(clip))
    detector = FER(mtcnn=True, min_face_size=16)
    raw_data = video.analyze(detector, display=True)
    frame = video.to_pandas(raw_data)
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["box", *LABELS]
    assert len(frame) == 20
    assert frame.happy.min() > 0.5
    assert list(video.get_emotions(video.get_first_face(frame)).columns) == LABELS
    with (tmp_path / "data.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 20
    with av.open(str(tmp_path / "output" / "clip_output.mp4")) as drawn:
        assert sum(1 for _ in drawn.decode(video=0)) == 30


def test_which_frames_are_analysed(clip: Path) -> None:
    detector = FER(min_face_size=16)
    every_fifth = Video(str(clip)).analyze(detector, output="pandas", frequency=5, save_video=False)
    per_second = Video(str(clip)).analyze(detector, output="pandas", save_fps=5, save_video=False)
    assert len(every_fifth) == len(per_second) == 4
    few = Video(str(clip), first_face_only=False).analyze(detector, max_results=3, save_video=False)
    assert [sorted(row) for row in few] == [sorted(["box0", *(f"{label}0" for label in LABELS)])] * 3
    with pytest.raises(NotImplementedError, match="crop the clip"):
        Video(str(clip)).analyze(detector, detection_box={"x_min": 0})
