"""Numbered people drawn on the frames of a clip."""

from collections.abc import Sequence

from mien.domain import U8Array
from mien.render.geometry import pixel_rectangle, scaled
from mien.render.labels import captions
from mien.render.palette import bgr
from mien.render.steady_labels import SteadyLabels
from mien.render.tags import draw_box, draw_label
from mien.timeline.model import FaceRow


class PeopleDrawer:
    """Draws one clip's people, frame by frame in growing order of time, so that labels stay where they are."""

    def __init__(self) -> None:
        self._labels = SteadyLabels()

    def draw(self, pixels: U8Array, faces: Sequence[FaceRow], full_width: int, full_height: int, time: float) -> None:
        """Box, number, emotion and score of every face at ``time`` seconds, on ``uint8 [h, w, 3]`` BGR in place.

        Boxes are in pixels of the full frame, ``full_width`` x ``full_height``.
        """
        height, width = pixels.shape[:2]
        scale_x, scale_y = width / full_width, height / full_height
        boxes = [pixel_rectangle(scaled(face.box, scale_x, scale_y), width, height) for face in faces]
        for face, box in zip(faces, boxes, strict=True):
            draw_box(pixels, box, bgr(face.emotion))
        texts = [captions(face.person, face.emotion, face.score) for face in faces]
        people = [face.person for face in faces]
        labels = self._labels.place(people, texts, boxes, (width, height), time)
        for face, label in zip(faces, labels, strict=True):
            if label is not None:
                draw_label(pixels, label, bgr(face.emotion))
