"""What the manifest keeps of a measurement, under `metrics`: per cent and rounded, each figure with its count."""

from typing import Any

Report = dict[str, Any]


def summary(measured: Report) -> Report:
    """Headline figures of the shipped file on `valid`."""
    crowd, both, single = measured["protocol_a"], measured["protocol_b"], measured["fer2013"]
    calibration, mirror = measured["calibration"], measured["mirror"]
    return {
        **compared(measured),
        "protocol_a_without_twins_accuracy": percent(measured["twins"]["without_twin"]["accuracy"]),
        "protocol_a_without_twins_n": measured["twins"]["without_twin"]["n"],
        "protocol_a_raters_made_up_for_accuracy": percent(measured["raters"]["protocol_a"]),
        "protocol_a_n": crowd["n"],
        "protocol_b_n": both["n"],
        "fer2013_n": single["n"],
        **{
            f"ece_{name}_{way}": percent(calibration[name][way])
            for name in ("protocol_a", "protocol_b", "fer2013")
            for way in ("halves", "pooled")
        },
        "rater_temperature": round(calibration["rater_temperature"], 4),
        "share_error_at_rater_temperature": percent(calibration["share_error_at_rater_temperature"]),
        "mirror_mean_difference": round(mirror["mean_difference"], 4),
        "mirror_mean_difference_n": mirror["n"],
        "batch_dependence": measured["batch_dependence"],
        **({"second_looks": _percents(measured["second_looks"])} if measured["second_looks"] else {}),
        "recall": {name: percent(value) for name, value in crowd["recall"].items()},
        "robustness_protocol_a": _percents(measured["robustness"]),
        "crop_scale_protocol_a": _percents(measured["crop_scale"]),
        "face_side_protocol_a": _percents(measured["face_side"]),
    }


def compared(measured: Report) -> Report:
    """The six figures that runs and editions are compared by; `measured` as of `evaluate.measure`."""
    crowd = measured["protocol_a"]
    return {
        "protocol_a_accuracy": percent(crowd["accuracy"]),
        "protocol_b_accuracy": percent(measured["protocol_b"]["accuracy"]),
        "fer2013_accuracy": percent(measured["fer2013"]["accuracy"]),
        "protocol_a_kl_nats": round(crowd["kl_nats"], 4),
        "protocol_a_macro_recall": percent(crowd["macro_recall"]),
        "ece_protocol_a_pooled": percent(measured["calibration"]["protocol_a"]["pooled"]),
    }


def milliseconds(times: dict[str, float]) -> dict[str, float]:
    """A file's times, rounded to microseconds."""
    return {key: round(value, 3) for key, value in times.items()}


def times_as_slow(other: dict[str, float], ours: dict[str, float]) -> dict[str, float]:
    """How many times our time the other file takes, at each batch size."""
    return {key: round(other[key] / ours[key], 2) for key in ours}


def percent(share: float) -> float:
    return round(100 * share, 2)


def _percents(shares: dict[str, float]) -> dict[str, float]:
    return {name: percent(share) for name, share in shares.items()}
