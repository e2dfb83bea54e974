"""Weights that are thawed from a file, and averaged (need torch)."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")
pytest.importorskip("onnx", reason="onnx is only installed where models are trained")

from training.common import checkpoint  # noqa: E402
from training.emotion import soup  # noqa: E402
from training.emotion.export import export  # noqa: E402
from training.emotion.model import EmotionNet, NetShape, Stage, Stem  # noqa: E402
from training.emotion.quantise import quantise  # noqa: E402
from training.emotion.session import Session  # noqa: E402
from training.emotion.soup import averaged, epochs_together, part, settle  # noqa: E402
from training.emotion.thaw import FRESH_LENGTH, thaw  # noqa: E402

TINY = NetShape(stem=(Stem(4, 2),), stages=(Stage(6, 1, 2), Stage(8, 2, 2, 5)))


def trained(seed: int) -> EmotionNet:
    """A net whose norms are no longer neutral."""
    torch.manual_seed(seed)
    net = EmotionNet(TINY)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
    return net.eval()


def pictures(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def crowd(net: EmotionNet, images: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return net(torch.from_numpy(images[..., None])).ferplus.numpy()


def test_a_thawed_net_says_what_the_file_says_and_has_filters_of_one_length(tmp_path: Path):
    path, images = tmp_path / "fp32.onnx", pictures(16, 1)
    export(trained(0), path)
    torch.manual_seed(9)
    net = EmotionNet(TINY)
    thaw(net, path, pictures(64))
    assert crowd(net, images) == pytest.approx(crowd(trained(0), images), abs=1e-4)
    for module in net.trunk.modules():
        if isinstance(module, torch.nn.Conv2d):
            assert module.weight.flatten(1).norm(dim=1).detach().numpy() == pytest.approx(FRESH_LENGTH, rel=1e-5)


def test_a_thawed_int8_file_differs_by_its_rounding_alone(tmp_path: Path):
    images = pictures(16, 1)
    export(trained(0), tmp_path / "fp32.onnx")
    quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", pictures(64))
    net = EmotionNet(TINY)
    thaw(net, tmp_path / "int8.onnx", pictures(64))
    exact, frozen = crowd(trained(0), images), Session(tmp_path / "int8.onnx").logits(images).ferplus
    assert np.abs(crowd(net, images) - exact).mean() < 0.02 * exact.std()
    assert np.abs(crowd(net, images) - frozen).mean() < 0.1 * exact.std()


def test_a_file_of_another_shape_is_refused(tmp_path: Path):
    export(trained(0), tmp_path / "fp32.onnx")
    wider = EmotionNet(NetShape(stem=(Stem(4, 2),), stages=(Stage(6, 1, 2), Stage(8, 2, 2))))
    with pytest.raises(RuntimeError, match="size mismatch"):
        thaw(wider, tmp_path / "fp32.onnx", pictures(8))


def test_the_average_of_equal_nets_is_that_net_and_shares_count_relative_to_their_sum():
    one, other = trained(0), trained(1)
    images = pictures(4)
    assert crowd(averaged([one, trained(0)], [2, 3]).eval(), images) == pytest.approx(crowd(one, images), abs=1e-5)
    mixed = averaged([one, other], [3, 1])
    for name, value in mixed.state_dict().items():
        if value.dtype.is_floating_point:
            torch.testing.assert_close(value, 0.75 * one.state_dict()[name] + 0.25 * other.state_dict()[name])


def test_nets_of_different_shapes_have_no_average():
    with pytest.raises(ValueError, match="shapes"):
        averaged([trained(0), EmotionNet(NetShape(stem=(Stem(4, 2),), stages=(Stage(6, 1, 2),)))], [1, 1])


def test_settled_norms_have_the_statistics_of_the_views():
    net, views = trained(0), pictures(256)
    settle(net, views)
    inputs = []
    first = next(module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d))
    first.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
    crowd(net, views)
    seen = torch.cat(inputs)
    torch.testing.assert_close(first.running_mean, seen.mean(dim=(0, 2, 3)), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(first.running_var, seen.var(dim=(0, 2, 3)), rtol=0.02, atol=1e-4)
    assert not net.training


def test_parts_of_one_seed_are_epochs_of_one_run_and_thawed_ones_were_trained_before():
    def state(seed: int, epoch: int) -> dict:
        return {"config": {"seed": seed}, "epoch": epoch, "net": {}}

    thawed = {"config": {"seed": 9}, "epoch": 40}
    assert epochs_together([state(4, 80), state(4, 112), state(5, 30), thawed]) == 142


def test_statistics_of_different_seeds_are_not_averaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for seed in (4, 5):
        state = {"config": {"seed": seed}, "epoch": 1, "ema": {}}
        checkpoint.save(tmp_path / str(seed) / "last.pt", state)
    parts = [f"{tmp_path / '4'}:1", f"{tmp_path / '5'}:1"]
    monkeypatch.setattr("sys.argv", ["soup", "--run", str(tmp_path), "--of", *parts, "--statistics", "mean"])
    with pytest.raises(SystemExit):
        soup.main()
    assert "different seeds" in capsys.readouterr().err


def test_a_part_is_a_run_and_its_share():
    assert part("runs/emotion/a:0.25") == (Path("runs/emotion/a"), 0.25)
    for wrong in ("runs/a", "runs/a:0", ":1"):
        with pytest.raises(Exception, match="RUN:SHARE"):
            part(wrong)
