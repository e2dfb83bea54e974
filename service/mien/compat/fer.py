"""``FER`` and ``Video`` as the ``fer`` library (https://github.com/justinshenk/fer) has them, with Mien's models.

    from mien.compat.fer import FER, Video    # was: from fer import FER, Video

Results have ``fer``'s shape: boxes of whole pixels and seven emotions rounded to hundredths. Arguments that set up its
own detectors are accepted and make no difference, but for ``mtcnn=True`` (the thorough mode) and ``min_face_size``.
"""

import base64
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from mien.compat.fer_tables import emotion_columns, first_face, rows_of, write_csv
from mien.domain import Box
from mien.errors import InputError
from mien.local.shared import analyze, analyze_video
from mien.results.data_frames import to_pandas
from mien.results.inputs import Picture
from mien.results.options import PictureKeywords

_LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_LOG = logging.getLogger(__name__)

Detection = dict[str, Any]
"""``{"box": [x, y, w, h], "emotions": {"angry": 0.0, ...}}``."""


class FER:
    """Finds faces and their emotions in pictures.

    Raises:
        NotImplementedError: ``tfserving``, which names another server.
    """

    def __init__(
        self,
        cascade_file: str | None = None,
        mtcnn: bool = False,
        *,
        tfserving: bool = False,
        use_tflite: bool = True,
        scale_factor: float = 1.1,
        min_face_size: int = 50,
        min_neighbors: int = 5,
        offsets: tuple[int, int] = (10, 10),
    ) -> None:
        del cascade_file, use_tflite, scale_factor, min_neighbors, offsets
        if tfserving:
            raise NotImplementedError("Mien does not use TensorFlow Serving; use mien.Client for a server of its own.")
        if min_face_size < 1:
            raise ValueError("min_face_size must be at least 1")
        self.options: PictureKeywords = {
            "detector": "accurate" if mtcnn else "auto",
            "min_face": float(min_face_size),
            "labels": "fer2013",
        }

    def detect_emotions(self, img: Any, face_rectangles: object = None) -> list[Detection]:
        """Every face of a picture: an array (BGR or grey), a file's path, or a base64 data URI.

        Raises:
            InputError: the picture cannot be read.
            NotImplementedError: ``face_rectangles``, faces found by another detector.
        """
        if face_rectangles is not None:
            raise NotImplementedError("Mien scores the faces that it finds itself; leave face_rectangles out.")
        result = analyze(_picture(img), colour="bgr", **self.options)
        return [{"box": _box(face.box), "emotions": _emotions(face.scores)} for face in result.faces]

    def batch_detect_emotions(self, imgs: Sequence[Any]) -> list[list[Detection]]:
        """``detect_emotions`` for each picture."""
        return [self.detect_emotions(img) for img in imgs]

    def find_faces(self, img: Any, bgr: bool = True, gray_img: object = None) -> list[list[int]]:
        """The boxes of the faces."""
        del bgr, gray_img
        return [found["box"] for found in self.detect_emotions(img)]

    def top_emotion(self, img: Any) -> tuple[str | None, float | None]:
        """The leading emotion of the first face and its score, or ``(None, None)`` without a face."""
        for found in self.detect_emotions(img):
            emotions: dict[str, float] = found["emotions"]
            best = max(emotions, key=emotions.__getitem__)
            return best, emotions[best]
        return None, None


class Video:
    """Follows the faces of a clip.

    Raises:
        FileNotFoundError: there is no ``video_file``.
    """

    def __init__(
        self, video_file: str, outdir: str = "output", first_face_only: bool = True, tempfile: str | None = None
    ) -> None:
        del tempfile
        if not Path(video_file).is_file():
            raise FileNotFoundError(f"Video file not found at {Path(video_file).absolute()}")
        self.filepath = video_file
        self.outdir = outdir
        self.first_face_only = first_face_only

    def analyze(
        self,
        detector: FER,
        display: bool = False,
        output: str = "csv",
        *,
        frequency: int | None = None,
        max_results: int | None = None,
        save_fps: int | None = None,
        save_frames: bool = True,
        save_video: bool = True,
        detection_box: dict[str, int] | None = None,
        **others: Any,
    ) -> Any:
        """The faces of every analysed frame that has any.

        Writes the annotated clip to ``outdir`` as ``NAME_output.mp4``, with sound, and with ``output="csv"`` the rows
        to ``data.csv``. Single frames are neither shown nor written, whatever ``display`` and ``save_frames`` say.

        Args:
            detector: its options hold for the clip.
            frequency: every so many frames; ``save_fps`` frames per second instead, if given; every frame by default.
            max_results: analysed frames that are reported.
            output: ``"csv"`` for a list of rows, ``"pandas"`` for a data frame.

        Raises:
            InputError: the clip cannot be read.
            NotImplementedError: ``detection_box``; crop the clip instead.
        """
        del others
        if detection_box is not None:
            raise NotImplementedError("Mien analyses whole frames; crop the clip instead of giving a detection_box.")
        if display or save_frames:
            _LOG.info("single frames are neither shown nor written; see the annotated clip in %s", self.outdir)
        rate = self._rate(frequency, save_fps)
        result = analyze_video(self.filepath, smoothing="none", fps=rate, **detector.options)
        if save_video:
            folder = Path(self.outdir)
            folder.mkdir(parents=True, exist_ok=True)
            result.save_annotated(folder / f"{Path(self.filepath).stem}_output.mp4")
        data = [
            [{"box": _box(face.box), "emotions": _emotions(face.scores)} for face in frame.faces]
            for frame in result.timeline[:max_results]
            if frame.faces
        ]
        return self.to_format(data, output)

    def to_format(self, data: list[list[Detection]], format: str) -> Any:
        """``data`` as ``"csv"`` or ``"pandas"``."""
        return {"csv": self.to_csv, "pandas": self.to_pandas}[format](data)

    def to_pandas(self, data: Any) -> Any:
        """A data frame with one row per frame; columns end in the number of the face, unless only the first is kept."""
        if hasattr(data, "columns"):
            return data
        rows = rows_of(data)
        names = list(dict.fromkeys(name for row in rows for name in row))
        frame = to_pandas({name: [row.get(name) for row in rows] for name in names})
        return self.get_first_face(frame) if self.first_face_only else frame

    def to_csv(self, data: Any, filename: str = "data.csv") -> list[dict[str, Any]]:
        """Write the rows to ``filename``, and return them."""
        return write_csv(rows_of(data), Path(filename))

    get_first_face = staticmethod(first_face)
    get_emotions = staticmethod(emotion_columns)

    def _rate(self, frequency: int | None, save_fps: int | None) -> Any:
        if save_fps is not None:
            return float(save_fps)
        if frequency is None or int(frequency) <= 1:
            return "native"
        return cv2.VideoCapture(self.filepath).get(cv2.CAP_PROP_FPS) / int(frequency)


def _picture(img: Any) -> Picture:
    if isinstance(img, str) and img.startswith("data:image/"):
        return base64.b64decode(img.partition(",")[2])
    if isinstance(img, str) and img.startswith(("http://", "https://")):
        raise InputError("Mien fetches no pictures; give a file, its bytes or an array.")
    picture: Picture = img
    return picture


def _box(box: Box) -> list[int]:
    return [round(side) for side in (box.x, box.y, box.width, box.height)]


def _emotions(scores: dict[str, float]) -> dict[str, float]:
    return {label: round(scores[label], 2) for label in _LABELS}
