"""The rule that chooses a shipped threshold."""

from training.detector.thresholds import MOST_WRONG, MOST_WRONG_FACE_FREE, at, choose


def _rows(*wrong: float, face_free: float = 0.0) -> list[dict[str, float]]:
    return [
        {"threshold": t, "fp_a_picture": w, "fp_a_face_free_picture": face_free * (t < 0.45)}
        for t, w in zip((0.3, 0.4, 0.5), wrong, strict=True)
    ]


def test_the_threshold_is_the_lowest_that_holds_with_all_above_it() -> None:
    assert choose(_rows(0.2, 0.04, 0.01)) == 0.4
    assert choose(_rows(0.04, MOST_WRONG + 0.01, 0.0)) == 0.5
    assert choose(_rows(0.0, 0.0, 0.0)) == 0.3
    assert choose(_rows(1, 1, 1)) == 0.5


def test_photographs_without_faces_have_a_limit_of_their_own() -> None:
    assert choose(_rows(0.0, 0.0, 0.0, face_free=MOST_WRONG_FACE_FREE)) == 0.3
    assert choose(_rows(0.0, 0.0, 0.0, face_free=1.1 * MOST_WRONG_FACE_FREE)) == 0.5


def test_a_score_between_two_choices_is_read_at_the_nearer() -> None:
    assert at(_rows(0.2, 0.1, 0.0), 0.41)["fp_a_picture"] == 0.1
