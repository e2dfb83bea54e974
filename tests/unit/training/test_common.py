"""Recipes, stages, the training loop and the store."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
pytest.importorskip("tomli_w", reason="tomli-w is only installed where models are trained")

from torch import Tensor, nn  # noqa: E402
from torch.utils.data import Dataset  # noqa: E402

from training.common import recipe  # noqa: E402
from training.common.recipe import Machine  # noqa: E402
from training.common.stages import Stage, clock, run_stages, sha256  # noqa: E402
from training.common.store import Origin, pack, paragraph, table  # noqa: E402
from training.common.trainer import Schedule, Trainer, load_average  # noqa: E402
from training.detector.__main__ import Recipe as DetectorRecipe  # noqa: E402
from training.emotion.__main__ import Recipe as EmotionRecipe  # noqa: E402

TRAINING = Path(recipe.__file__).parents[1]


@dataclass(frozen=True)
class Inner:
    sides: tuple[tuple[int, float], ...] = ()
    rate: float = 0.1


@dataclass(frozen=True)
class Outer:
    inner: Inner
    steps: int = 3


def test_tables_become_dataclasses_and_lists_tuples():
    made = recipe.build(Outer, {"inner": {"sides": [[320, 0.5], [640, 0.5]]}})
    assert made == Outer(Inner(((320, 0.5), (640, 0.5))), 3)


def test_an_unknown_key_is_named():
    with pytest.raises(KeyError, match="Inner has no raet; it has rate, sides"):
        recipe.build(Outer, {"inner": {"raet": 1}})


def test_a_size_changes_some_values_and_an_unknown_one_is_named(tmp_path: Path):
    path = tmp_path / "recipe.toml"
    path.write_text("steps = 9\n[inner]\nrate = 1.0\nsides = []\n[sizes.small]\ninner = { rate = 2.0 }\n")
    assert recipe.read(path, "full") == {"steps": 9, "inner": {"rate": 1.0, "sides": []}}
    assert recipe.read(path, "small") == {"steps": 9, "inner": {"rate": 2.0, "sides": []}}
    with pytest.raises(KeyError, match="no size tiny; it has full, small"):
        recipe.read(path, "tiny")


@pytest.mark.parametrize("size", ["full", "small"])
@pytest.mark.parametrize(("model", "kind"), [("emotion", EmotionRecipe), ("detector", DetectorRecipe)])
def test_the_recipes_can_be_read(model: str, kind: type, size: str):
    assert recipe.build(kind, recipe.read(TRAINING / model / "recipe.toml", size))


class Diary:
    """Stages that write down when they run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, name: str, *after: str, fail: bool = False, **inputs: object) -> Stage:
        def run(folder: Path) -> None:
            self.lines.append(name)
            (folder / f"of-{name}-{len(self.lines)}").touch()
            if fail:
                raise KeyboardInterrupt

        return Stage(name, run, inputs, after)


def test_a_stage_that_is_done_is_not_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    diary = Diary()
    for _ in range(2):
        seconds = run_stages(tmp_path, [diary.stage("a", steps=1), diary.stage("b", "a")])
    assert diary.lines == ["a", "b"]
    assert set(seconds) == {"a", "b"}
    assert "[1/2] a: done before, in 0 s" in capsys.readouterr().out


def test_a_changed_recipe_repeats_what_depends_on_the_change_in_empty_folders(tmp_path: Path):
    diary = Diary()
    for steps in (1, 2):
        run_stages(tmp_path, [diary.stage("a"), diary.stage("b", "a", steps=steps), diary.stage("c", "b")])
    assert diary.lines == ["a", "b", "c", "b", "c"]
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["of-b-4", "stage.json"]
    assert (tmp_path / "b.old" / "of-b-2").is_file()


def test_an_interrupted_stage_goes_on_in_its_folder(tmp_path: Path):
    diary = Diary()
    with pytest.raises(KeyboardInterrupt):
        run_stages(tmp_path, [diary.stage("a"), diary.stage("b", "a", fail=True)])
    (tmp_path / "b" / "log.jsonl").write_text(json.dumps({"seconds": 60.0}) + "\n")
    seconds = run_stages(tmp_path, [diary.stage("a"), diary.stage("b", "a")])
    assert diary.lines == ["a", "b", "b"]
    assert (tmp_path / "b" / "of-b-2").exists()
    assert seconds["b"] >= 60


def test_times_are_rounded_to_what_one_wants_to_know():
    assert [clock(seconds) for seconds in (12.4, 240, 12_000)] == ["12 s", "4 min", "3 h 20 min"]


class Numbers(Dataset[Tensor]):
    """Batch i is drawn from i; `fails_at` is where the machine goes down."""

    def __init__(self, fails_at: int = -1) -> None:
        self.fails_at = fails_at

    def __getitem__(self, index: int) -> Tensor:
        if index == self.fails_at:
            raise KeyboardInterrupt
        return torch.randn(8, 4, generator=torch.Generator().manual_seed(index))


def trainer(folder: Path, schedule: Schedule) -> Trainer[nn.Sequential, Tensor]:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 1))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    folder.mkdir(exist_ok=True)
    loss: Callable[[nn.Sequential, Tensor], dict[str, Tensor]] = lambda net, x: {"loss": (net(x) - 1).square().mean()}  # noqa: E731
    return Trainer(folder, network, optimiser, schedule, loss, clip_norm=1.0)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_killed_run_resumes_to_the_byte(tmp_path: Path, workers: int):
    schedule, machine = Schedule(20, 3, 0.1, save_every=4, log_every=5), Machine(torch.device("cpu"), workers)
    trainer(tmp_path / "whole", schedule).run(Numbers(), machine)
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path / "killed", schedule).run(Numbers(fails_at=14), Machine(torch.device("cpu"), 0))
    again = trainer(tmp_path / "killed", schedule)
    assert again.step == 12
    again.run(Numbers(), machine)
    for name in ("network", "average", "optimiser"):
        one, other = (torch.load(tmp_path / run / "last.pt")[name] for run in ("whole", "killed"))
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    average = load_average(tmp_path / "whole" / "last.pt", again.network)
    assert not average.training
    assert [path.name for path in (tmp_path / "whole").iterdir() if path.suffix == ".partial"] == []


def test_the_average_follows_the_network(tmp_path: Path):
    made = trainer(tmp_path, Schedule(30, 3, 0.1, ema=0.9))
    made.run(Numbers(), Machine(torch.device("cpu"), 0))
    average = load_average(tmp_path / "last.pt", trainer(tmp_path, Schedule(30, 3, 0.1)).network)
    for (name, mine), theirs in zip(made.network.state_dict().items(), average.state_dict().values(), strict=True):
        if mine.is_floating_point():
            torch.testing.assert_close(mine, theirs, rtol=0.5, atol=0.2, msg=name)
            assert not torch.equal(mine, theirs), name


def test_the_rate_warms_up_and_falls_to_its_floor():
    schedule = Schedule(1000, 10, 1.0, final_rate=0.01)
    assert schedule.rate(0) == pytest.approx(0.1)
    assert schedule.rate(10) == pytest.approx(1.0)
    assert schedule.rate(505) == pytest.approx(0.505, abs=0.01)
    assert schedule.rate(1000) == pytest.approx(0.01)


def test_a_packed_model_is_the_one_version_of_its_name(tmp_path: Path):
    (tmp_path / "int8.onnx").write_bytes(b"weights")
    (tmp_path / "store" / "emotion" / "1").mkdir(parents=True)
    (tmp_path / "store" / "other" / "1").mkdir(parents=True)
    manifest = {"name": "emotion", "version": "4", "heads": {"ferplus8": {"labels": ["a", "b"], "temperature": 1.1}}}
    folder = pack(tmp_path / "store", tmp_path / "int8.onnx", manifest, "# Card\n")
    assert folder == tmp_path / "store" / "emotion" / "4"
    assert [path.name for path in folder.parent.iterdir()] == ["4"]
    assert (tmp_path / "store" / "other" / "1").is_dir()
    written = tomllib.loads((folder / "manifest.toml").read_text())
    assert written == {**manifest, "file": "model.onnx", "sha256": sha256(tmp_path / "int8.onnx")}
    assert (folder / "CARD.md").read_text() == "# Card\n"


def test_cards_are_plain_markdown():
    assert table(("a", "b"), [(1, 2)]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert max(map(len, paragraph("word " * 100).splitlines())) <= 120
    assert str(Origin("1", {"first": 60.0, "second": 120.0}, "cpu")) == "3 min on cpu"
