"""What is derived from the scores: valence, and whether the answer is a toss-up."""

from collections.abc import Mapping

# Pleasure of each emotion word on -1..1: Russell & Mehrabian (1977), "Evidence for a three-factor theory of
# emotions", Journal of Research in Personality 11, 273-294, as commonly reproduced. Contempt, which is not among the
# terms commonly reproduced, takes disgust's value; neutral is the middle of the scale.
VALENCE = {
    "neutral": 0.0,
    "happy": 0.81,
    "surprise": 0.40,
    "sad": -0.63,
    "angry": -0.51,
    "disgust": -0.60,
    "fear": -0.64,
    "contempt": -0.60,
}

MIN_SCORE = 0.45
MIN_LEAD = 0.10


def valence(scores: Mapping[str, float]) -> float:
    """Expected pleasure under the scores, -0.64..0.81."""
    return sum(VALENCE[label] * score for label, score in scores.items())


def is_uncertain(scores: Mapping[str, float]) -> bool:
    """Whether no label stands out: the best has under 0.45, or leads the second by under 0.10."""
    best, second = sorted(scores.values(), reverse=True)[:2]
    return best < MIN_SCORE or best - second < MIN_LEAD
