"""Checkpoint -> fp32 ONNX: `python -m training.emotion.export --run runs/emotion/NAME`."""

import argparse
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.common import checkpoint
from training.emotion import packing
from training.emotion.data import TILE
from training.emotion.labels import FERPLUS8
from training.emotion.model import GATE_GAIN, EmotionNet, Gate, Residual, build
from training.emotion.session import EPOCHS, Session

OPSET = 17
TOLERANCE = 1e-3  # of a logit, torch against onnxruntime in fp32


class ExportOutputs(NamedTuple):
    """The contract with the service; field names are the ONNX output names."""

    ferplus: Tensor  # [n, 8] logits
    fer2013: Tensor  # [n, 7] logits
    features: Tensor  # [n, c, h, w]
    activation: Tensor  # [n, 8, k, k], class-activation maps of the whole picture


class ExportNet(nn.Module):
    """The trained net with batch norms and the gates' gain folded into their convolutions, and its heads applied at
    every place.

    A linear head of the mean is the mean of a linear head, so the class-activation maps come for free and the logits
    are their means plus the bias. Where the last stage has fewer columns than rows, the maps are laid on a square of
    cells, with the same means.
    """

    def __init__(self, net: EmotionNet) -> None:
        super().__init__()
        self.standardise: nn.Module = net.standardise
        self.trunk = _fold(net.trunk)
        self.bias = nn.Parameter(torch.cat([net.ferplus.bias, net.fer2013.bias]))
        with torch.no_grad():
            blank: Tensor = self.trunk(self.standardise(torch.zeros(1, TILE, TILE, 1)))
        self.height, self.width = blank.shape[2:]
        self.maps = Maps(torch.cat([net.ferplus.weight, net.fer2013.weight]).detach(), self.height, self.width)
        if self.height - self.width not in (0, 1):
            raise ValueError(f"maps of {self.height} rows and {self.width} columns: they may lack one column, no more")

    def forward(self, images: Tensor) -> ExportOutputs:
        """`images`: uint8 [n, 48, 48, 1]."""
        features = self.trunk(self.standardise(images))
        maps = self._squared(self.maps(features))
        logits = maps.mean(dim=(2, 3)) + self.bias
        crowd = len(FERPLUS8)
        return ExportOutputs(logits[:, :crowd], logits[:, crowd:], features, maps[:, :crowd])

    def _squared(self, maps: Tensor) -> Tensor:
        """Maps [n, c, h, w] that lack a column -> [n, c, h, h], with the same means; others as they are.

        A cell then lies between two of the square and is half of each. Pooling does that cell by cell, whatever the
        batch; and onnxruntime sums the cells of such a square in one order, where those of 6x5 came out otherwise by a
        bit with their place in memory.
        """
        if self.height == self.width:
            return maps
        halves: Tensor = functional.avg_pool2d(maps, (1, 2), stride=1, padding=(0, 1))
        return halves * (self.height / self.width)


class Maps(nn.Module):
    """Linear heads at every place: [n, c, h, w] -> [n, heads, h, w].

    A product for each face, and no convolution of 1x1, for which onnxruntime would first sort the channels into blocks.
    A face's own product, too: one of the places of all faces would pick other kernels for few rows than for many, and
    the logits differ by a bit with the batch.
    """

    def __init__(self, heads: Tensor, height: int, width: int) -> None:
        """`heads`: [heads, c]."""
        super().__init__()
        self.weight = nn.Parameter(heads)
        self.height, self.width = height, width

    def forward(self, features: Tensor) -> Tensor:
        heads, channels = self.weight.shape
        places = features.reshape(-1, channels, self.height * self.width)
        return torch.matmul(self.weight, places).reshape(-1, heads, self.height, self.width)


class FileNet(ExportNet):
    """An `ExportNet` as the file has it: its first convolution over blocks of pixels where it can be, see `packing`."""

    def __init__(self, net: EmotionNet) -> None:
        super().__init__(net)
        stem = self.trunk[0]
        if packing.fits(stem):
            assert isinstance(stem, nn.Conv2d)
            self.trunk[0] = packing.packed_stem(stem)
            self.standardise = packing.PackedPixels()


class FoldedGate(nn.Module):
    """A `Gate` whose gain is part of the convolution after it."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        """`x`: [n, width, h, w]."""
        heard = torch.relu(x)
        return heard * self.gate.openness(heard)


def load_net(path: Path) -> tuple[EmotionNet, int]:
    """The averaged net of a checkpoint, ready for inference, and the epochs it has seen."""
    state = checkpoint.load(path)
    net = build(state["config"]["shape"])
    net.load_state_dict(state["ema"])
    return net.eval(), int(state["epoch"])


def export(net: EmotionNet, path: Path, epochs: int = 0) -> None:
    """Write `net` to `path` as fp32 ONNX with a dynamic batch; `epochs` is noted in the file."""
    example = torch.randint(0, 256, (2, TILE, TILE, 1), dtype=torch.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The tracing exporter needs no further package and writes a static graph without loose ends.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            FileNet(net).eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=list(ExportOutputs._fields),
            dynamic_axes={name: {0: "n"} for name in ("images", *ExportOutputs._fields)},
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {EPOCHS: str(epochs)})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


@torch.inference_mode()
def parity(net: EmotionNet, path: Path, count: int = 64) -> float:
    """Largest difference of a logit between torch and onnxruntime over `count` pictures of noise and ramps."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, TILE, TILE), dtype=np.uint8)
    images[count // 2 :] = np.linspace(0, 255, TILE, dtype=np.uint8) // rng.integers(1, 9, (count - count // 2, 1, 1))
    ours = net(torch.from_numpy(images[..., None]))
    theirs = Session(path).logits(images)
    return max(
        float(np.abs(ours.ferplus.numpy() - theirs.ferplus).max()),
        float(np.abs(ours.fer2013.numpy() - theirs.fer2013).max()),
    )


def _fold(trunk: nn.Sequential) -> nn.Sequential:
    """A copy of `trunk` in which each batch norm is part of the convolution before it, and a gate's gain of the one
    after it."""
    layers: list[nn.Module] = []
    for layer in trunk:
        if isinstance(layer, nn.BatchNorm2d):
            convolution = layers.pop()
            assert isinstance(convolution, nn.Conv2d)
            folded = fuse_conv_bn_eval(convolution, layer)
            if layers and isinstance(layers[-1], FoldedGate):
                folded.weight = nn.Parameter(folded.weight * GATE_GAIN)
            layers.append(folded)
        elif isinstance(layer, Residual):
            layers.append(_fold_block(layer))
        elif isinstance(layer, Gate):
            layers.append(FoldedGate(layer))
        else:
            layers.append(layer)
    return nn.Sequential(*layers).eval()


def _fold_block(block: Residual) -> Residual:
    folded = Residual.__new__(Residual)
    nn.Module.__init__(folded)
    folded.inset, folded.stride = block.inset, block.stride
    folded.body = _fold(block.body)
    folded.shortcut = _fold(block.shortcut) if isinstance(block.shortcut, nn.Sequential) else block.shortcut
    return folded


def main() -> None:
    """Export the run's last averaged weights to RUN/fp32.onnx and check them against torch."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.export", description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    net, epoch = load_net(options.run / "last.pt")
    path = options.run / "fp32.onnx"
    export(net, path, epoch)
    difference = parity(net, path)
    print(f"{path}: epoch {epoch}, {path.stat().st_size} bytes, torch against onnxruntime {difference:.1e}")
    if difference > TOLERANCE:
        raise SystemExit(f"torch and onnxruntime differ by {difference:.1e} of a logit, more than {TOLERANCE}")


if __name__ == "__main__":
    main()
