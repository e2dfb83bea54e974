import math
import time
from dataclasses import replace

import numpy as np
import pytest

from mien.domain import FrameResult
from mien.timeline.tracker import TrackThresholds, track
from tests.unit.timeline.film import Path, Take, away, every, film, line, numbers, switches

RATES = [2.0, 5.0, 10.0, 25.0]


@pytest.mark.parametrize("fps", RATES)
def test_people_who_stay_keep_their_numbers(fps: float) -> None:
    paths = {"a": line(300, 300, 0), "b": line(430, 300, 0), "c": line(900, 400, 0)}
    take = film(paths, every(fps, 10))
    assert switches(take) == 0
    assert {name: seen[0] for name, seen in numbers(take).items()} == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("fps", [5.0, 10.0, 25.0])
def test_two_people_who_cross_keep_their_numbers(fps: float, hides: bool, seed: int) -> None:
    paths = {"a": line(200, 360, 180), "b": line(1080, 380, -180)}
    assert switches(film(paths, every(fps, 5), hides=hides, seed=seed)) == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fps", RATES)
def test_an_occlusion_of_600_ms_is_bridged(fps: float, seed: int) -> None:
    paths = {"a": away(line(200, 360, 150), 2.0, 2.6), "b": line(900, 200, 0)}
    assert switches(film(paths, every(fps, 5), seed=seed)) == 0


@pytest.mark.parametrize("fps", RATES)
def test_a_person_out_of_sight_for_up_to_a_second_keeps_their_number(fps: float) -> None:
    # Leaves at the right border at 200 px/s, turns round and returns.
    def path(t: float) -> tuple[float, float] | None:
        x = 900 + 200 * t if t < 2.3 else 1360 - 200 * (t - 2.3)
        return None if x > 1270 else (x, 300.0)

    assert switches(film({"a": path, "b": line(300, 300, 0)}, every(fps, 5))) == 0


def test_a_person_out_of_sight_for_longer_gets_a_new_number() -> None:
    seen = numbers(film({"a": away(line(300, 300, 0), 2.0, 5.0)}, every(5, 8)))["a"]
    assert (seen[0], seen[-1], len(set(seen))) == (1, 2, 2)


@pytest.mark.parametrize("fps", RATES)
def test_no_number_crosses_a_shot_boundary(fps: float) -> None:
    # After the shot boundary another face is exactly where the first one was.
    paths: dict[str, Path] = {
        "a": lambda t: (400.0, 300.0) if t < 2 else None,
        "b": lambda t: (405.0, 300.0) if t >= 2 else None,
    }
    given = numbers(film(paths, every(fps, 4), cuts=[2.0]))
    assert set(given["a"]) == {1}
    assert set(given["b"]) == {2}


def test_a_number_does_not_jump_to_a_face_far_away() -> None:
    paths: dict[str, Path] = {
        "a": lambda t: (200.0, 300.0) if t < 2 else None,
        "b": lambda t: (700.0, 300.0) if t >= 2.2 else None,
    }
    given = numbers(film(paths, every(5, 4)))
    assert set(given["a"]).isdisjoint(given["b"])


def streams() -> dict[str, Path]:
    """Five from the left and five from the right, pair by pair through each other, neighbours overlapping by half."""
    paths = {}
    for k in range(10):
        way = 1 if k % 2 else -1
        start = 640 - way * (320 + 22 * k)
        paths[f"p{k}"] = line(start, 140 + 88 * (k // 2) + 6 * way, way * (125 + 7 * k), 2 * (k % 3))
    return paths


def star() -> dict[str, Path]:
    """Ten from all sides through one place."""
    paths = {}
    for k in range(10):
        x, y, speed = math.cos(k * math.pi / 5), math.sin(k * math.pi / 5), 90 + 37 * k % 45
        paths[f"p{k}"] = line(640 + 330 * x, 360 + 330 * y, -speed * x, -speed * y)
    return paths


@pytest.mark.parametrize("fps", [5.0, 10.0, 25.0])
def test_ten_people_who_cross_exchange_numbers_at_most_once(fps: float) -> None:
    # An exchange changes the numbers of two people.
    hidden = [switches(film(streams(), every(fps, 7), size=80, hides=True, seed=seed)) for seed in range(10)]
    seen = [switches(film(star(), every(fps, 6), size=60, seed=seed)) for seed in range(10)]
    assert max(hidden) <= 2
    assert sum(hidden) <= 2
    assert sum(seen) == 0


def test_a_weak_face_continues_a_track_but_starts_none() -> None:
    take = film({"a": line(300, 300, 0), "b": line(800, 300, 0)}, every(5, 3))

    def weakened(result: FrameResult) -> FrameResult:
        weak = [face.box.x > 500 or result.time > 2 for face in result.faces]
        return replace(
            result,
            faces=tuple(replace(f, confidence=0.5 if w else 0.9) for f, w in zip(result.faces, weak, strict=True)),
        )

    rows = list(track(map(weakened, take.results), TrackThresholds(new_track=0.7, keep_track=0.6)))
    assert [[face.person for face in row.faces] for row in rows] == [[1]] * len(rows)
    assert all(row.faces[0].box.x < 500 for row in rows)


def with_confidence(result: FrameResult, *confidences: float) -> FrameResult:
    faces = sorted(result.faces, key=lambda face: face.box.x)
    paired = zip(faces, confidences, strict=True)
    return replace(result, faces=tuple(replace(face, confidence=value) for face, value in paired))


@pytest.mark.parametrize("fps", [5.0, 10.0, 25.0])
def test_a_series_of_weak_hits_keeps_only_an_established_track(fps: float) -> None:
    # Both are weak from the moment `turned` on; one had strong hits for 2 s before that, the other for an instant.
    def seconds_kept(turned: float) -> float:
        take = film({"a": line(300, 300, 0)}, every(fps, 8))
        dimmed = [with_confidence(r, 0.9 if r.time < turned else 0.45) for r in take.results]
        rows = list(track(dimmed, TrackThresholds(new_track=0.8, keep_track=0.6)))
        return max(row.time for row in rows if row.faces) - turned

    assert seconds_kept(0.1) < 0.5
    assert 1.0 < seconds_kept(2.0) < 3.0


def test_a_person_walking_past_the_camera_is_one_track() -> None:
    assert switches(film({"a": line(50, 400, 780), "b": line(700, 380, 0)}, every(5, 1.6))) == 0


def test_a_weak_face_takes_no_track_from_a_strong_one() -> None:
    # From the second frame on a hand is between the previous and the current position of the face.
    take = film({"a": line(300, 300, 300), "hand": line(270, 300, 300)}, every(5, 2))
    seen = []
    for result in take.results:
        hand, face = sorted(result.faces, key=lambda f: f.box.x)
        weak = (replace(hand, confidence=0.5),) if result.time > 0 else ()
        seen.append(replace(result, faces=(*weak, replace(face, confidence=0.9))))
    rows = list(track(seen, TrackThresholds(new_track=0.8, keep_track=0.6)))
    faces = {result.time: result.faces[-1].box for result in seen}
    assert all([(f.person, f.box) for f in row.faces] == [(1, faces[row.time])] for row in rows)


def test_a_face_that_fits_two_tracks_gets_the_one_seen_more_recently() -> None:
    # "b" disappears behind "a", who then moves towards where "b" would be.
    def a(t: float) -> tuple[float, float]:
        return (500.0, 300.0) if t < 2.5 else (540.0, 330.0)

    take = film({"a": a, "b": away(line(520, 420, 0, -35), 2.1, 9.0)}, every(5, 3.1))
    rows = list(track(take.results))
    assert [face.person for face in rows[-1].faces] == [1]


@pytest.mark.parametrize("fps", RATES)
def test_a_face_below_new_track_is_confirmed_after_half_a_second(fps: float) -> None:
    def first_row(lasts: float) -> float | None:
        take = film({"a": line(300, 300, 0)}, [t for t in every(fps, 3) if t <= lasts])
        rows = track((with_confidence(r, 0.65) for r in take.results), TrackThresholds(new_track=0.8, keep_track=0.6))
        return next((row.time for row in rows if row.faces), None)

    assert first_row(0.45) is None
    begun = first_row(3.0)
    assert begun is not None
    assert 0.5 - 1e-6 <= begun < 0.5 + 1 / fps


def test_a_face_with_occasional_weak_hits_is_never_confirmed() -> None:
    take = film({"a": line(300, 300, 0)}, every(5, 4))
    seen = [with_confidence(r, (0.75, 0.61, 0.68, 0.42)[n % 4]) for n, r in enumerate(take.results)]
    assert not any(row.faces for row in track(seen, TrackThresholds(new_track=0.8, keep_track=0.6)))


def test_a_lost_track_is_recovered_within_a_second_and_new_later() -> None:
    def numbered(weak_until: float) -> list[int]:
        take = film({"a": line(300, 300, 0)}, every(5, 6))
        seen = [with_confidence(r, 0.4 if 0.1 < r.time < weak_until else 0.9) for r in take.results]
        return [face.person for row in track(seen, TrackThresholds(0.8, 0.6)) for face in row.faces]

    assert set(numbered(1.1)) == {1}
    assert set(numbered(3.0)) == {1, 2}


def test_irregular_times_cause_no_switches() -> None:
    gaps = np.random.default_rng(3).uniform(0.01, 0.2, 60)
    paths = {"a": line(200, 360, 150), "b": line(1080, 380, -150)}
    assert switches(film(paths, np.cumsum(gaps).tolist())) == 0


def test_every_frame_has_a_row_and_order_of_faces_does_not_matter() -> None:
    take = film({"a": away(line(300, 300, 0), 1.0, 3.0), "b": away(line(600, 300, 0), 1.0, 3.0)}, every(5, 5))
    rows = list(track(take.results))
    assert [(r.time, r.frame) for r in rows] == [(r.time, r.index) for r in take.results]
    assert sum(not row.faces for row in rows) == 10
    turned = Take(tuple(replace(r, faces=r.faces[::-1]) for r in take.results), take.names)
    assert list(track(turned.results)) == rows
    assert all([f.person for f in row.faces] == sorted(f.person for f in row.faces) for row in rows)


def test_a_thousand_faces_are_tracked_within_a_second() -> None:
    paths = {f"{row} {column}": line(20 + 31 * column, 20 + 28 * row, 0) for row in range(25) for column in range(40)}
    take = film(paths, every(5, 0.4), size=15)
    assert [len(result.faces) for result in take.results] == [1000] * 3
    started = time.process_time()
    rows = list(track(take.results))
    assert time.process_time() - started < 1  # 0.25 as a rule; pair by pair it took 1.8
    assert [face.person for face in rows[-1].faces] == list(range(1, 1001))
