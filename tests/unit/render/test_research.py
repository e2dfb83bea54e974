"""Files for ELAN, BORIS and players, read back as those programs read them."""

import re
from decimal import Decimal
from pathlib import Path

from pympi.Elan import Eaf

from mien.render.boris import boris_events
from mien.render.elan import eaf
from mien.render.webvtt import webvtt
from mien.timeline.model import Segment, Summary, Timeline
from tests.unit.results.timelines import LABEL_SET, timeline

EMPTY = Timeline(LABEL_SET, [], [], Summary(None, {}, 0.0, 0))


def test_elan_has_a_tier_per_person(tmp_path: Path) -> None:
    path = tmp_path / "clip.eaf"
    path.write_bytes(eaf(timeline(), "clip.MKV"))
    read = Eaf(str(path))
    assert set(read.get_tier_names()) == {"Person 1", "Person 2"}
    assert [part[:3] for part in read.get_annotation_data_for_tier("Person 1")] == [
        (0, 1000, "happy"),
        (1000, 1500, "sad"),
    ]
    (medium,) = read.get_linked_files()
    assert (medium["RELATIVE_MEDIA_URL"], medium["MIME_TYPE"]) == ("./clip.MKV", "video/x-matroska")
    path.write_bytes(eaf(EMPTY))
    assert Eaf(str(path)).get_linked_files() == []


def test_boris_takes_the_lines_as_pasted_events() -> None:
    """Six fields, the first of them a decimal, and state events in pairs: what its event_operations.py checks."""
    events = [line.split("\t") for line in boris_events(timeline()).split("\n")]
    assert {len(event) for event in events} == {6}
    times = [Decimal(event[0]) for event in events]
    assert times == sorted(times)
    opened: set[tuple[str, str]] = set()
    for _, subject, emotion, _, _, frame in events:
        opened ^= {(subject, emotion)}
        assert sum(name == subject for name, _ in opened) <= 1, "two states of one person at once"
        assert int(frame) in (0, 12, 25, 37)
    assert not opened
    assert events[-1] == ["1.500", "Person 1", "sad", "", "0.8000", "37"]
    assert boris_events(EMPTY) == ""


def test_webvtt_has_a_cue_per_segment() -> None:
    late = Segment(3661.5, 3662.25, "fear", 0.5, 3662.0)
    found = timeline()
    person = found.people[1]
    people = [found.people[0], type(person)(2, 0.5, 1.0, 0.5, "sad", person.mean_scores, (*person.segments, late))]
    text = webvtt(Timeline(LABEL_SET, found.rows, people, found.summary))
    assert text.startswith("WEBVTT\n\n")
    cues = re.findall(r"^(\S+) --> (\S+)\n<v (Person \d)>(\w+) (\S+)\n", text, re.MULTILINE)
    assert cues == [
        ("00:00:00.000", "00:00:01.000", "Person 1", "happy", "0.90"),
        ("00:00:00.500", "00:00:01.000", "Person 2", "sad", "0.80"),
        ("00:00:01.000", "00:00:01.500", "Person 1", "sad", "0.80"),
        ("01:01:01.500", "01:01:02.250", "Person 2", "fear", "0.50"),
    ]
    assert webvtt(EMPTY) == "WEBVTT\n"
