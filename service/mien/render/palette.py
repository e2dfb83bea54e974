"""One colour per emotion, the same in pictures, charts and the web page.

The palette of Okabe and Ito, distinguishable with any kind of colour vision. Colours never carry the meaning alone: the
word is always beside them.
"""

from collections.abc import Mapping
from types import MappingProxyType

Bgr = tuple[int, int, int]

EMOTION_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "neutral": "#D0D0D0",
        "happy": "#F0E442",
        "surprise": "#E69F00",
        "sad": "#0072B2",
        "angry": "#D55E00",
        "disgust": "#009E73",
        "fear": "#CC79A7",
        "contempt": "#56B4E9",
    }
)
BLACK: Bgr = (0, 0, 0)
WHITE: Bgr = (255, 255, 255)
_UNKNOWN = "#D0D0D0"


def bgr(emotion: str) -> Bgr:
    """The colour of ``emotion`` in OpenCV's order; grey for an unknown word."""
    colour = EMOTION_COLOURS.get(emotion, _UNKNOWN)
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red


def ink(background: Bgr) -> Bgr:
    """Black or white: the one with more contrast to ``background``."""
    on_black = contrast(background, BLACK)
    return BLACK if on_black >= contrast(background, WHITE) else WHITE


def contrast(one: Bgr, other: Bgr) -> float:
    """The contrast ratio of two colours by WCAG 2, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Bgr) -> float:
    blue, green, red = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
