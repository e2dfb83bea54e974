"""Sharpness-aware steps (need torch)."""

import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")

from training.common.sharpness import uphill  # noqa: E402


def fresh() -> torch.nn.Sequential:
    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.Conv2d(3, 2, 4))
    return torch.nn.Sequential(*layers).train()


def loss_of(net: torch.nn.Sequential) -> torch.Tensor:
    return net(torch.linspace(-1, 1, 4 * 36).reshape(4, 1, 6, 6)).square().mean()


def test_the_weights_move_by_the_radius_against_the_loss_and_come_back():
    net = fresh()
    loss = loss_of(net)
    loss.backward()
    before = [parameter.detach().clone() for parameter in net.parameters()]
    with uphill(net, 0.1):
        moved = [new.detach() - old for new, old in zip(net.parameters(), before, strict=True)]
        higher = loss_of(net).item()
        assert sum(float(move.square().sum()) for move in moved) ** 0.5 == pytest.approx(0.1, rel=1e-4)
        assert all(not move.any() for move in moved if move.ndim == 1)
    assert higher > loss.item()
    for parameter, old in zip(net.parameters(), before, strict=True):
        assert torch.equal(parameter, old)


def test_batch_norms_keep_no_statistics_of_the_other_place():
    net = fresh()
    loss_of(net).backward()
    norm = net[1]
    mean = norm.running_mean.clone()
    with uphill(net, 0.1):
        loss_of(net)
    assert torch.equal(norm.running_mean, mean)
    loss_of(net)
    assert not torch.equal(norm.running_mean, mean)


def test_weights_come_back_when_the_pass_fails():
    net = fresh()
    loss_of(net).backward()
    before = net[0].weight.detach().clone()
    with pytest.raises(ZeroDivisionError), uphill(net, 0.1):
        raise ZeroDivisionError
    assert torch.equal(net[0].weight, before)
    assert net[1].momentum == 0.1
