"""Label names and their orders: the one place that maps data-set columns to the model's outputs."""

FERPLUS8 = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
"""Order of the `ferplus` output; the first eight vote columns of FER+ stand in the same order."""

BASIC7 = FERPLUS8[:7]
"""Order of the `fer2013` output (FER2013 has no contempt)."""

VOTE_COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
"""Vote columns of labels.csv, in the order of the FER+ release; the last two are no emotions."""

FER2013_TO_BASIC7 = {name: BASIC7.index(name) for name in BASIC7}
"""labels.csv already uses our names for FER2013; only the order differs (there: alphabetical, neutral last)."""

NO_LABEL = -1
"""Stands for a FER2013 label that could not be recovered; such faces are masked from that head's loss."""
