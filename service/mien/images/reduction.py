"""By how much a picture may be shrunk while it is decoded."""

# A face of 16 px at the detector's scale then still has 48 px, which is what the classifier takes.
DETECTOR_MARGIN = 3
_FACTORS = (8, 4, 2)


def reduction_factor(width: int, height: int, min_side: int | None) -> int:
    """The largest of 8, 4, 2 and 1 that leaves ``min_side`` pixels on the long side; 1 for ``None``.

    Only the factors of JPEG's own scaled decode are used, so that a picture is seen alike in every format.
    """
    if min_side is None:
        return 1
    return next((factor for factor in _FACTORS if max(width, height) // factor >= min_side), 1)
