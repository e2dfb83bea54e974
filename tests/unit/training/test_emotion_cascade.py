"""Two nets in one graph: who answers whom, and what is told of it (needs torch to make the nets)."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
onnx = pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from training.common.runlog import RunLog  # noqa: E402
from training.emotion import cascade, conditions, data, timing  # noqa: E402
from training.emotion.cascade import certainty, cooled  # noqa: E402
from training.emotion.cascade_graph import ANSWERS, STAGES, Rule, joined  # noqa: E402
from training.emotion.export import export  # noqa: E402
from training.emotion.labels import VOTE_COLUMNS  # noqa: E402
from training.emotion.model import EmotionNet, NetShape, Stage, Stem  # noqa: E402
from training.emotion.session import Logits, Session  # noqa: E402
from training.emotion.thaw import parameters  # noqa: E402

LIGHT = NetShape(stem=(Stem(4, 2),), stages=(Stage(6, 1, 2), Stage(8, 1, 2)))
WIDE = NetShape(stem=(Stem(8, 2),), stages=(Stage(8, 1, 2), Stage(12, 2, 2)))
FACES = 70
NOBODY, EVERYBODY = Rule(0.0, 0.1, 1.0), Rule(1000.0, 1.0, 1.0)


def faces(count: int = FACES) -> np.ndarray:
    """Pictures of blocks, each its own: noise looks alike to a net that pools."""
    small = np.random.default_rng(5).integers(0, 256, (count, 4, 4), dtype=np.uint8)
    return small.repeat(12, axis=1).repeat(12, axis=2)


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of a light and a wide net with heads that are sure of some faces, and their runs' logs."""
    files = []
    for seed, shape in enumerate((LIGHT, WIDE)):
        torch.manual_seed(seed)
        net = EmotionNet(shape).eval()
        with torch.no_grad():
            net.ferplus.weight.mul_(6)
            net.fer2013.weight.mul_(6)
        folder = tmp_path_factory.mktemp(f"net{seed}")
        for name in ("fp32.onnx", "int8.onnx"):
            export(net, folder / name, epochs=10 + seed)
        config = {"shape": f"tiny{seed}", "seed": seed, "epochs": 10 + seed}
        start = {"event": "start", "commit": "abc", "command": f"T --run {folder.as_posix()}", "config": config}
        RunLog(folder / "log.jsonl").write(**start, train=5, twins_dropped=0)
        files.append(folder / "int8.onnx")
    return files[0], files[1]


def session_of(nets: tuple[Path, Path], rule: Rule, folder: Path) -> Session:
    first, second = (onnx.load(path) for path in nets)
    onnx.save(joined(first, second, rule), folder / "joined.onnx")
    return Session(folder / "joined.onnx")


def middle(nets: tuple[Path, Path]) -> float:
    """A certainty that half of the faces fall short of."""
    return float(np.median(certainty(Session(nets[0]).logits(faces()))))


def test_sure_faces_are_the_first_net_s_and_the_others_move_towards_the_second(nets: tuple[Path, Path], tmp_path: Path):
    rule = Rule(middle(nets), 0.05, 0.8)
    both, images = session_of(nets, rule, tmp_path), faces()
    first, second = (Session(path) for path in nets)
    certain = certainty(first.logits(images))
    onward = certain < rule.certainty
    assert 0.3 < onward.mean() < 0.7
    assert (both.looked_twice(images) == onward).all()
    part = rule.part(certain)
    assert ((part > 0) & (part < 0.8)).sum() > 3, "no face in the fade: the test says nothing of it"
    assert (part[onward].max(), part[~onward].max()) == (pytest.approx(0.8), 0)
    for name in ("ferplus", "fer2013", "activation"):
        (ours,), (light,), (wide,) = (session.run(images, (name,)) for session in (both, first, second))
        assert (ours[~onward] == light[~onward]).all()
        share = part.reshape(-1, *[1] * (light.ndim - 1))
        np.testing.assert_allclose(ours, light + share * (wide - light), atol=1e-5)
        assert np.abs(ours - light)[onward].max() > 0.1


def test_nobody_and_everybody_may_go_on(nets: tuple[Path, Path], tmp_path: Path):
    first, second = (Session(path) for path in nets)
    images = faces()
    nobody, everybody = (session_of(nets, rule, tmp_path) for rule in (NOBODY, EVERYBODY))
    assert not nobody.looked_twice(images).any()
    assert everybody.looked_twice(images).all()
    assert (nobody.logits(images).ferplus == first.logits(images).ferplus).all()
    np.testing.assert_allclose(everybody.logits(images).fer2013, second.logits(images).fer2013, atol=1e-5)


def test_a_cooled_net_says_the_same_with_other_weight(nets: tuple[Path, Path], tmp_path: Path):
    onnx.save(cooled(onnx.load(nets[0]), (0.5, 2.0)), tmp_path / "cooled.onnx")
    plain, other = (Session(path).run(faces(3), ANSWERS) for path in (nets[0], tmp_path / "cooled.onnx"))
    for factor, before, after in zip((2, 0.5, 2), plain, other, strict=True):
        np.testing.assert_allclose(after, factor * before, rtol=1e-4, atol=1e-5)


def test_temperatures_are_those_nearest_to_votes_and_labels():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (400, 15))
    votes = np.zeros((400, len(VOTE_COLUMNS)), np.int64)
    for face, row in enumerate(logits[:, :8]):
        chances = np.exp(row / 0.5)
        votes[face, :8] = rng.multinomial(400, chances / chances.sum())
    label = np.array([rng.choice(7, p=np.exp(row / 2) / np.exp(row / 2).sum()) for row in logits[:, 8:]])
    crowd, single = cascade.temperatures(Logits(logits[:, :8], logits[:, 8:]), data.Faces(faces(400), votes, label))
    assert crowd == pytest.approx(0.5, abs=0.03)
    assert single == pytest.approx(2, abs=0.5)


def test_a_face_s_answer_does_not_depend_on_its_neighbours(nets: tuple[Path, Path], tmp_path: Path):
    session = session_of(nets, Rule(middle(nets), 0.15, 1.0), tmp_path)
    assert timing.batch_dependence(session, faces(), (2, 7, 32)) == 0


def test_a_single_net_looks_once(nets: tuple[Path, Path]):
    assert not Session(nets[0]).is_cascade
    assert conditions.second_looks(Session(nets[0]), faces()) is None


def test_how_many_go_on_is_told_for_plain_and_worse_pictures(nets: tuple[Path, Path], tmp_path: Path):
    looks = conditions.second_looks(session_of(nets, Rule(middle(nets), 0.15, 1.0), tmp_path), faces())
    assert looks is not None
    assert looks["plain"] == 0.5
    assert {"blur_sigma_1", "face_24px"} < set(looks)
    assert all(0 <= share <= 1 for share in looks.values())


def test_both_nets_can_be_had_back(nets: tuple[Path, Path], tmp_path: Path):
    session_of(nets, EVERYBODY, tmp_path)
    for stage, path in zip(STAGES, nets, strict=True):
        theirs, ours = parameters(path), parameters(tmp_path / "joined.onnx", stage)
        assert set(theirs) <= set(ours)
        assert all((ours[name] == value).all() for name, value in theirs.items())


def test_a_rule_s_part_grows_without_a_step():
    rule = Rule(0.6, 0.2, 0.9)
    part = rule.part(np.linspace(0, 2, 2001, dtype=np.float32))
    assert (part[0], part[600], part[2000]) == (pytest.approx(0.9), pytest.approx(0, abs=1e-5), 0)
    assert (np.diff(part) <= 0).all()
    assert np.abs(np.diff(part)).max() < 0.9 / 0.2 * 0.001 * 1.01


def test_a_certainty_is_the_sum_of_both_heads_leads():
    logits = np.array([[3, 5, 1.5], [2, 0, 2]], np.float32)
    np.testing.assert_allclose(certainty(Logits(logits, logits[::-1])), [2, 2])


@pytest.fixture
def run(nets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run joined by the program itself."""
    votes = np.zeros((FACES, len(VOTE_COLUMNS)), dtype=np.int64)
    votes[np.arange(FACES), np.arange(FACES) % 8] = 10
    monkeypatch.setattr(data, "load", lambda *_: data.Faces(faces(), votes, np.zeros(FACES, np.int64)))
    first, second = (str(path.parent) for path in nets)
    command = ["cascade", "--run", str(tmp_path / "c"), "--first", first, "--second", second, "--onward", "0.3"]
    monkeypatch.setattr(sys, "argv", command)
    cascade.main()
    return tmp_path / "c"


def test_the_program_lets_the_share_go_on_that_it_was_told_and_notes_how(run: Path, nets: tuple[Path, Path]):
    session = Session(run / "int8.onnx")
    assert session.looked_twice(faces()).mean() == pytest.approx(0.3, abs=0.01)
    assert session.epochs == 21
    event = json.loads((run / "log.jsonl").read_text())
    assert event["rule"]["share"] == 1
    told = [(stage["run"], stage["epochs"], len(stage["temperatures"])) for stage in event["stages"]]
    assert told == [(path.parent.as_posix(), 10 + index, 2) for index, path in enumerate(nets)]
    assert (run / "fp32.onnx").is_file()


@pytest.mark.parametrize("wrong", [("--onward", "0"), ("--share", "1.5"), ("--fade", "0")])
def test_what_makes_no_sense_is_refused(wrong: tuple[str, str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["cascade", "--run", "c", "--first", "a", "--second", "b", *wrong])
    with pytest.raises(SystemExit):
        cascade.main()
