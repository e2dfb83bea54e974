"""From a run's files to a card, with the shipped graph and a handful of made-up faces."""

import json
import shutil
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from mien.store import ModelStore
from training.common import digest
from training.emotion import conditions, data, evaluate, headline, pack, perturb, report, timing
from training.emotion.calibrate import Meaning
from training.emotion.labels import VOTE_COLUMNS
from training.emotion.session import Session

STORED = Path(__file__).parents[3] / "model_store" / "emotion" / "1" / "model.onnx"
CASCADE = STORED.parents[1] / "2" / "model.onnx"
FACES = 48


def made_up_faces(seed: int) -> data.Faces:
    """Every face clearly labelled, six of each emotion, so that protocol A keeps all."""
    rng = np.random.default_rng(seed)
    label = np.arange(FACES) % 8
    votes = np.zeros((FACES, len(VOTE_COLUMNS)), dtype=np.int64)
    votes[np.arange(FACES), label] = 7
    votes[np.arange(FACES), (label + 1) % 8] = 3
    blocks = rng.integers(0, 256, (FACES, 8, 8), dtype=np.uint8)  # of pure noise the shipped net is always sure
    return data.Faces(blocks.repeat(6, axis=1).repeat(6, axis=2), votes, label % 7)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder whose int8 and fp32 file are the shipped graph; measuring takes a second."""
    valid, train = made_up_faces(0), made_up_faces(1)
    train.images[:4] = valid.images[:4]  # twins
    monkeypatch.setattr(data, "load", lambda _, split: valid if split == "valid" else train)
    monkeypatch.setattr(headline, "PROTOCOL_A_COUNT", FACES)
    monkeypatch.setattr(conditions, "FACE_SIDES", (24, 96))
    monkeypatch.setattr(conditions, "CROP_SCALES", (0.9, 1.0))
    monkeypatch.setattr(timing, "ROUNDS", 2)
    monkeypatch.setattr(timing, "FACES", 32)
    monkeypatch.setattr(timing, "COLD_FACES", 2)
    monkeypatch.setattr(timing, "batch_dependence", lambda *_: 0.0)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "made-up"
    folder.mkdir(parents=True)
    for name in ("int8.onnx", "fp32.onnx"):
        shutil.copyfile(STORED, folder / name)
    config = {"shape": "tiny", "epochs": 58, "seed": 5, "batch": 1, "peak_rate": 0.1, "fer2013_weight": 0.5}
    config |= {"ema": 0.999, "twin_threshold": 0.95}
    config["augment"] = {"shift": 0.08, "scale": [0.8, 1.25], "rotate": 15.0}
    start = {"event": "start", "commit": "abc", "command": "python -m training.emotion.train --run runs/made-up"}
    start |= {"train": 50, "twins_dropped": 0, "twins_of_valid": 2, "config": config}
    lines = [json.dumps(start), json.dumps({"epoch": 58, "seconds": 90.0})]
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def call(module: object, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["program", *arguments])
    module.main()  # type: ignore[attr-defined]


def packed(run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    call(pack, monkeypatch, "--run", "runs/made-up", "--version", "7", "--store", "store")
    return run.parents[1] / "store" / "emotion" / "7"


def manifest_of(folder: Path) -> dict:
    return tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))


def test_packing_writes_what_the_service_reads(run: Path, monkeypatch: pytest.MonkeyPatch):
    tables = manifest_of(packed(run, monkeypatch))
    assert tables["heads"]["ferplus8"]["fitted_to"] == Meaning.MAJORITY
    assert tables["provisional"] is False
    assert tables["metrics"]["fp32"]["sha256"] == tables["sha256"]
    assert tables["trained_by"]["twins_of_valid"] == 2
    assert {output["name"] for output in tables["outputs"]} == {"ferplus", "fer2013", "features", "activation"}


def test_the_report_fills_the_manifest_and_writes_the_card(run: Path, monkeypatch: pytest.MonkeyPatch):
    folder = packed(run, monkeypatch)
    before = manifest_of(folder)
    call(report, monkeypatch, "--store", "store", "--keep-scenes", "--fp32", "runs/made-up/fp32.onnx")
    after, text = manifest_of(folder), (folder / "CARD.md").read_text(encoding="utf-8")

    assert {key: value for key, value in after.items() if key != "metrics"} == {
        key: value for key, value in before.items() if key != "metrics"
    }  # nothing that ships is touched
    assert after["metrics"]["protocol_a_n"] == FACES
    (race,) = after["metrics"]["times"].values()
    assert set(race["times_as_slow"]) == {"fp32"}
    assert (folder / "reliability.png").read_bytes().startswith(b"\x89PNG")
    accuracy = f"{after['metrics']['protocol_a_accuracy']:.2f} %"
    assert f"| FER+ protocol A (n = {FACES}) | at least 89.2 % | 90.5 % | {accuracy} | **no** |" in text
    assert "| loss from fp32 to int8, A | at most 0.4 points | 0.2 points | 0.00 points | yes, and the aim |" in text
    assert "(fast) and crop, A | at most 2 points | 1 points |  | not measured |" in text
    assert "One seed" in text


def test_a_version_set_aside_says_so_and_is_measured_with_the_others(run: Path, monkeypatch: pytest.MonkeyPatch):
    folder = packed(run, monkeypatch)
    assert "serve" not in manifest_of(folder)
    call(pack, monkeypatch, "--run", "runs/made-up", "--version", "8", "--store", "store", "--aside")
    call(report, monkeypatch, "--store", "store", "--keep-scenes")
    assert manifest_of(folder.with_name("8"))["serve"] is False
    assert ModelStore(run.parents[1] / "store").pick("emotion").version == "7"
    one, other = (folder.with_name(name) / "CARD.md" for name in ("7", "8"))
    asks = "Serves only where `MIEN_MODEL_VERSIONS` asks for it"
    assert asks not in one.read_text(encoding="utf-8")
    assert f"{asks}: `emotion=8`." in other.read_text(encoding="utf-8")
    assert "--meaning majority --aside\nmake emotion-report VERSION=8 FP32=runs/made-up/fp32.onnx" in other.read_text()
    assert "--meaning majority\nmake emotion-report VERSION=7 FP32=runs/made-up/fp32.onnx" in one.read_text()
    assert "| version 8 |" in one.read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        call(report, monkeypatch, "--store", "store", "--keep-scenes", "--fp32", "runs/made-up/fp32.onnx")
    before = one.stat().st_mtime_ns
    call(report, monkeypatch, "--store", "store", "--keep-scenes", "--version", "8", "--fp32", "runs/made-up/fp32.onnx")
    assert one.stat().st_mtime_ns == before


def test_a_cascade_is_told_with_how_often_and_how_long_both_nets_look(run: Path, monkeypatch: pytest.MonkeyPatch):
    log = (run / "log.jsonl").read_text()
    stages = []
    for name in ("light", "wide"):
        (run.parent / name).mkdir()
        (run.parent / name / "log.jsonl").write_text(log)
        stages.append({"run": f"runs/{name}", "epochs": 58, "temperatures": [0.9, 1.1]})
    rule = {"certainty": 0.76, "fade": 0.3, "share": 1.0}
    event = {"event": "cascade", "commit": "abc", "command": "CASCADE", "rule": rule, "stages": stages}
    (run / "log.jsonl").write_text(json.dumps(event) + "\n")
    shutil.copyfile(CASCADE, run / "int8.onnx")
    folder = packed(run, monkeypatch)
    raced, race = [], timing.race

    def noted(files: dict[str, Path], faces: np.ndarray) -> dict[str, dict[str, float]]:
        raced.append(faces)
        return race(files, faces)

    monkeypatch.setattr(timing, "race", noted)
    call(report, monkeypatch, "--store", "store", "--keep-scenes")
    tables = manifest_of(folder)
    assert tables["outputs"][-1]["name"] == "unsure"
    looks = tables["metrics"]["second_looks"]
    assert set(looks) == {"plain", *perturb.ROBUSTNESS}
    assert 0 < looks["plain"] < 100
    (times,) = tables["metrics"]["times"].values()
    assert set(times["milliseconds_looked_twice"]) == set(times["milliseconds"])
    session, (all_faces, hard) = Session(CASCADE), raced
    assert not session.looked_twice(all_faces).all()
    assert session.looked_twice(hard).all()
    text = " ".join((folder / "CARD.md").read_text(encoding="utf-8").split())
    assert f"The second net looked at {looks['plain']:.2f} % of the faces of `valid`" in text
    assert "two nets, of which the second looks at some faces, int8" in text
    assert "this file on the faces that both of its nets look at, ms (median)" in text


def test_what_is_not_at_hand_is_kept_and_said_so(run: Path, monkeypatch: pytest.MonkeyPatch):
    folder = packed(run, monkeypatch)
    call(report, monkeypatch, "--store", "store", "--keep-scenes", "--fp32", "runs/made-up/fp32.onnx")
    first = manifest_of(folder)["metrics"]
    call(report, monkeypatch, "--store", "store", "--keep-scenes")
    assert manifest_of(folder)["metrics"]["fp32"] == first["fp32"]
    ((kind, race),) = manifest_of(folder)["metrics"]["times"].items()
    assert race["times_as_slow"] == first["times"][kind]["times_as_slow"]
    text = (folder / "CARD.md").read_text(encoding="utf-8")
    assert "were measured when it was last at hand" in " ".join(text.split())
    assert "the same net in fp32, times our median, in an earlier run" in text


def test_times_of_another_processor_are_kept_as_long_as_the_shape_is_the_same(
    run: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = packed(run, monkeypatch)
    monkeypatch.setattr("training.emotion.timing.described", lambda _: "One")
    monkeypatch.setattr("training.emotion.timing.processor", lambda _: "vnni")
    call(report, monkeypatch, "--store", "store", "--keep-scenes")
    first = manifest_of(folder)["metrics"]["times"]
    packed(run, monkeypatch)
    monkeypatch.setattr("training.emotion.timing.described", lambda _: "Other, family 1")
    monkeypatch.setattr("training.emotion.timing.processor", lambda _: "no_vnni")
    call(report, monkeypatch, "--store", "store", "--keep-scenes")
    times = manifest_of(folder)["metrics"]["times"]
    assert times["One"] == first["One"]
    text = (folder / "CARD.md").read_text(encoding="utf-8")
    assert f"batch 1 | at most 0.35 ms | 0.2 ms | {times['Other, family 1']['milliseconds']['batch_1']:.3f} ms" in text
    assert "one thread (One, with VNNI, an earlier run)" in text
    manifest = folder / "manifest.toml"
    shape = manifest_of(folder)["trained_by"]["shape"]
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(f'shape = "{shape}"', 'shape = "other"'))
    assert "times" not in manifest_of(packed(run, monkeypatch))["metrics"]


@pytest.mark.parametrize(
    ("flags", "kind"), [("fpu avx2 avx512_vnni", "vnni"), ("fpu avx_vnni", "vnni"), ("fpu avx2 avx512f", "no_vnni")]
)
def test_processors_are_told_apart_by_what_int8_needs(flags: str, kind: str):
    assert timing.processor(f"processor\t: 0\nmodel name\t: avx512_vnni\nflags\t\t: {flags}\n") == kind
    assert timing.processor("") == "no_vnni"


def test_a_processor_is_named_with_its_generation():
    first = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n"
    assert timing.described(f"{first}\n{first.replace('EPYC', 'other')}") == "AMD EPYC, family 25, model 17"
    assert timing.described("") == "unknown"


def test_another_fp32_file_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch):
    packed(run, monkeypatch)
    monkeypatch.setattr(report, "fp32_figures", lambda _: {"sha256": "other"})
    with pytest.raises(SystemExit, match="is not the fp32 file that version 7"):
        call(report, monkeypatch, "--store", "store", "--keep-scenes", "--fp32", "runs/made-up/fp32.onnx")


def test_other_seeds_are_read_from_their_evaluations(run: Path, monkeypatch: pytest.MonkeyPatch):
    folder = packed(run, monkeypatch)
    call(evaluate, monkeypatch, "runs/made-up/int8.onnx")
    found = json.loads((run / "int8.json").read_text())
    other = run.parent / "other"
    other.mkdir()
    (other / "int8.onnx").write_bytes(b"another seed")
    found["sha256"], found["protocol_a"]["accuracy"] = digest.sha256(other / "int8.onnx"), 0.5
    (other / "int8.json").write_text(json.dumps(found))
    call(report, monkeypatch, "--store", "store", "--keep-scenes", "--seeds", "runs/other/int8.json")
    rows = manifest_of(folder)["metrics"]["seeds"]
    assert [(row["run"], row["seed"]) for row in rows] == [("runs/made-up", 5), ("runs/other", -1)]
    text = " ".join((folder / "CARD.md").read_text(encoding="utf-8").split())
    assert "(2 seeds: " in text
    assert "`runs/other` (seed -1, -1 epochs) 50.00 % on A. **Their lengths differ" in text


def test_figures_of_another_file_are_refused(run: Path, monkeypatch: pytest.MonkeyPatch):
    packed(run, monkeypatch)
    call(evaluate, monkeypatch, "runs/made-up/int8.onnx")
    (run / "int8.onnx").write_bytes(b"trained on")
    with pytest.raises(SystemExit, match="figures of another file"):
        call(report, monkeypatch, "--store", "store", "--keep-scenes", "--seeds", "runs/made-up/int8.json")


def test_without_the_data_the_card_is_left_alone(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    folder = packed(run, monkeypatch)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def gone(*_: object) -> data.Faces:
        raise FileNotFoundError(2, "No such file", "data/emotions/labels.csv")

    monkeypatch.setattr(data, "load", gone)
    call(report, monkeypatch, "--store", "store")
    assert "data/emotions/labels.csv is not here" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_edition_from_before_this_record_stays_as_it_is(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    target = run.parents[1] / "store" / "emotion" / "1"
    shutil.copytree(STORED.parent, target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    call(report, monkeypatch, "--store", "store")
    assert "stays as it is" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before


def test_a_changed_file_is_not_measured(run: Path, monkeypatch: pytest.MonkeyPatch):
    folder = packed(run, monkeypatch)
    (folder / "model.onnx").write_bytes(b"other")
    with pytest.raises(SystemExit, match="not the file that its manifest describes"):
        call(report, monkeypatch, "--store", "store")
