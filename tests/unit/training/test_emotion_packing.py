"""A convolution over blocks of pixels is the one over pixels."""

import pytest

torch = pytest.importorskip("torch", reason="torch is only installed where models are trained")

from torch import nn  # noqa: E402

from training.emotion import packing  # noqa: E402
from training.emotion.export import ExportNet, FileNet  # noqa: E402
from training.emotion.model import EmotionNet, NetShape, Stage, Standardise, Stem  # noqa: E402


def pictures(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 48, 48, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def test_a_packed_stem_says_of_blocks_what_the_stem_says_of_pixels():
    torch.manual_seed(0)
    stem = nn.Conv2d(1, 5, 4, 2)
    assert packing.fits(stem)
    plain = stem(Standardise()(pictures(3)))
    assert plain.shape == (3, 5, 23, 23)
    torch.testing.assert_close(packing.packed_stem(stem)(packing.PackedPixels()(pictures(3))), plain)


def test_a_packed_window_can_be_had_back():
    window = torch.arange(32.0).reshape(2, 1, 4, 4)
    assert packing.packed(window).shape == (2, 4, 2, 2)
    assert packing.packed(window)[0, :, 0, 0].tolist() == [0, 1, 4, 5]  # rows and columns 0 and 1
    assert packing.packed(window)[0, 0].flatten().tolist() == [0, 2, 8, 10]
    assert torch.equal(packing.unpacked(packing.packed(window)), window)


@pytest.mark.parametrize("stem", [nn.Conv2d(1, 4, 3, 2), nn.Conv2d(1, 4, 4, 2, 1), nn.Conv2d(1, 4, 4, 1), nn.ReLU()])
def test_only_windows_of_four_in_steps_of_two_with_nothing_around_can_be_packed(stem: nn.Module):
    assert not packing.fits(stem)


@pytest.mark.parametrize("stem", [Stem(4, 2, 4, 0), Stem(4, 2)])
@torch.inference_mode()
def test_the_file_s_net_is_the_trained_one_packed_or_not(stem: Stem):
    torch.manual_seed(0)
    net = EmotionNet(NetShape((stem,), (Stage(6, 1, 2),))).eval()
    packed = FileNet(net).eval()
    assert (packed.trunk[0].in_channels == 4) == (stem.kernel == 4)
    torch.testing.assert_close(packed(pictures(3)).ferplus, ExportNet(net).eval()(pictures(3)).ferplus)
