"""How strong each smile of the London set is, by an outside tool: MediaPipe's face mesh, in an environment of its own.

python benchmarks/smile_strength.py ../shared/data/london > strengths.json    # needs mediapipe==0.10.21 alone

Of each picture: the distance of the mouth's corners, how high they stand above the middle of the lower lip, and how far
the lips are apart, each over the distance of the outer eye corners. `{"001-neutral": [width, lift, opening], ...}`
"""

import json
import sys
from pathlib import Path

import cv2
import mediapipe
import numpy as np

# Indices of the face mesh: the corners of the mouth, the lower lip's lower edge, the inner lips, the outer eye corners.
CORNERS, LOWER_LIP, UPPER_INNER, LOWER_INNER, EYES = (61, 291), 17, 13, 14, (33, 263)


def measures(points: np.ndarray) -> list[float]:
    """Width, lift and opening of the mouth, from landmarks [478, 2] in pixels."""
    across = points[EYES[1]] - points[EYES[0]]
    scale = float(np.hypot(*across))
    up = np.array([across[1], -across[0]]) / scale
    corners = points[list(CORNERS)]
    width = float(np.hypot(*(corners[1] - corners[0])))
    lift = float((corners.mean(axis=0) - points[LOWER_LIP]) @ up)
    opening = float(np.hypot(*(points[LOWER_INNER] - points[UPPER_INNER])))
    return [round(value / scale, 4) for value in (width, lift, opening)]


def main() -> None:
    strengths = {}
    with mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as mesh:
        for path in sorted(Path(sys.argv[1]).glob("*.jpg")):
            picture = cv2.imread(str(path))
            if picture is None:
                sys.exit(f"{path} cannot be read")
            found = mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).multi_face_landmarks
            if found:
                size = np.array([picture.shape[1], picture.shape[0]])
                points = np.array([(point.x, point.y) for point in found[0].landmark]) * size
                strengths[path.stem] = measures(points)
    json.dump(strengths, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
