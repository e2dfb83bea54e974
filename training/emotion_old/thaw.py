"""A file of the store -> a checkpoint to begin with: `python -m training.emotion.thaw --version 2 --run RUN`.

A run's checkpoints stay on the machine that trained it; what lasts is the int8 file in the store. Its weights are off
by at most half a step of a 127th of each filter's largest, which further training soon forgets.
"""

import argparse
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from training.common import checkpoint, digest, provenance
from training.common.runlog import RunLog
from training.emotion import cascade_graph, data, packing, symmetry
from training.emotion.export import ExportNet, FoldedGate
from training.emotion.labels import FERPLUS8
from training.emotion.model import GATE_GAIN, EmotionNet, Gate, build

STEM, HEADS = "trunk.0.weight", "maps.weight"
FACES = 2048  # that the batch norms take their statistics from
FRESH_LENGTH = (
    2**0.5
)  # of a filter, about what He et al. 2015 begin with: a learning rate then means what it does there


@torch.no_grad()
def thaw(net: EmotionNet, path: Path, faces: NDArray[np.uint8], stage: str | None = None) -> None:
    """Give `net` the weights of the ONNX file at `path`, int8 or fp32, or of one `stage` of it, which must be of its
    shape. A stage's heads are cooled (`cascade.cooled`): its logits are those of the run over a temperature.

    The file's batch norms are folded into its convolutions. Each becomes again a filter of `FRESH_LENGTH` and a batch
    norm that undoes it, with the statistics of `faces` [n, 48, 48]: the net says what the file says, and trains as one
    does that was never folded. The file does not know which channels of a mirrored net are partners: they are found
    again by what they show of `faces`. Raises KeyError or RuntimeError where the shapes differ.
    """
    folded = ExportNet(net.eval())
    weights = _as_trained({name: torch.from_numpy(weight) for name, weight in parameters(path, stage).items()})
    folded.load_state_dict({name: weights[name] for name in folded.state_dict()})
    crowd = len(FERPLUS8)
    for head, rows in ((net.ferplus, slice(crowd)), (net.fer2013, slice(crowd, None))):
        head.weight.copy_(folded.maps.weight[rows])
        head.bias.copy_(folded.bias[rows])
    hooks = []
    for (convolution, norm), (weight, bias) in zip(_pairs(net), _frozen(folded), strict=True):
        length = weight.flatten(1).norm(dim=1).clamp(min=1e-8) / FRESH_LENGTH
        convolution.weight.copy_(weight / length[:, None, None, None])
        hooks.append(norm.register_forward_pre_hook(_undo(length, bias)))
    for ours, theirs in zip(_gates(net), _gates(folded), strict=True):
        ours.load_state_dict(theirs.state_dict())
    images = torch.from_numpy(faces[..., None])
    net(images)  # sets the norms one after the other, each on what those before it made
    for hook in hooks:
        hook.remove()
    if net.partners is not None:
        symmetry.find_partners(net, images)
        symmetry.project(net)


def parameters(path: Path, stage: str | None = None) -> dict[str, NDArray[np.float32]]:
    """The weights of an ONNX file by their names in torch, what is quantised brought back to float; with `stage` those
    of one of a cascade's nets."""
    model = onnx.load(path)
    weights = model.graph.initializer if stage is None else cascade_graph.stage_of(model, stage)
    stored = {one.name: numpy_helper.to_array(one) for one in weights}
    found = {name: value for name, value in stored.items() if value.dtype == np.float32}
    for name in (name.removesuffix("_quantized") for name in stored if name.endswith("_quantized")):
        value = stored[f"{name}_quantized"].astype(np.float32)
        scale = stored[f"{name}_scale" if f"{name}_scale" in stored else f"{name}_quantized_scale"]
        found[name] = value * scale.reshape(-1, *[1] * (value.ndim - 1))
    return {name: np.array(value, dtype=np.float32) for name, value in found.items()}


def _as_trained(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """A file's weights in the form of an `ExportNet`: its first convolution over pixels, and its heads as a product's,
    which older files have as a convolution's."""
    stem, heads = weights[STEM], weights[HEADS]
    return {
        **weights,
        STEM: packing.unpacked(stem) if stem.shape[1] > 1 else stem,
        HEADS: heads.flatten(1),
    }


def _pairs(net: EmotionNet) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Each convolution of the trunk and the norm after it, in the order in which `ExportNet` keeps them."""
    convolution = None
    for module in net.trunk.modules():
        if isinstance(module, nn.Conv2d):
            convolution = module
        elif isinstance(module, nn.BatchNorm2d):
            assert convolution is not None
            yield convolution, module


def _frozen(folded: ExportNet) -> Iterator[tuple[Tensor, Tensor]]:
    """The trunk's filters and biases in the same order, without the gain of a gate before them."""
    gain = 1.0
    for module in folded.trunk.modules():
        if isinstance(module, FoldedGate):
            gain = GATE_GAIN
        elif isinstance(module, nn.Conv2d):
            assert module.bias is not None
            yield module.weight / gain, module.bias
            gain = 1.0


def _gates(net: nn.Module) -> list[Gate]:
    return [module for module in net.modules() if isinstance(module, Gate)]


def _undo(length: Tensor, bias: Tensor) -> Callable[[nn.BatchNorm2d, tuple[Tensor]], None]:
    """Makes a norm that sees x pass on `length` * x + `bias`, whatever the mean and variance of x."""

    def settle(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
        norm.running_mean, norm.running_var = mean, variance
        norm.weight.copy_(length * torch.sqrt(variance + norm.eps))
        norm.bias.copy_(bias + length * mean)

    return settle


def main() -> None:
    """Thaw a version of the store into RUN/last.pt, and note in RUN/log.jsonl how that version was made.

    The file itself is laid beside it, for a student to learn from, also where only one of its nets is thawed.
    """
    parser = argparse.ArgumentParser(prog="python -m training.emotion.thaw", description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--stage", choices=cascade_graph.STAGES, help="which of a cascade's nets")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    options = parser.parse_args()
    folder = options.store / "emotion" / options.version
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    made, path = manifest["trained_by"], folder / manifest["file"]
    if ("stages" in made) != (options.stage is not None):
        parser.error(f"version {options.version} is {'a cascade: name a --stage' if 'stages' in made else 'one net'}")
    if options.stage:
        chosen = made["stages"][cascade_graph.STAGES.index(options.stage)]
        made = {**chosen, "lineage": made["lineage"]}
    net = build(made["shape"])
    thaw(net, path, data.load(options.data, "train").images[:FACES], options.stage)
    state = {"config": made["config"], "epoch": made["epochs"], "ema": net.state_dict()}
    checkpoint.save(options.run / "last.pt", state)
    shutil.copyfile(path, options.run / "int8.onnx")
    RunLog(options.run / "log.jsonl").write(
        event="thaw",
        commit=provenance.head_commit(),
        command=provenance.command_line(),
        config=made["config"],
        sha256=digest.sha256(path),
        thawed=made,
    )


if __name__ == "__main__":
    main()
