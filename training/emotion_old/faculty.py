"""Teachers as torch nets beside the student, for devices on which onnxruntime's int8 files are no help."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.common.streams import Streams
from training.emotion.export import ExportNet, load_net
from training.emotion.labels import FERPLUS8


class Said(NamedTuple):
    """Probabilities on n faces."""

    ferplus: Tensor  # [n, 8]
    fer2013: Tensor  # [n, 7]


class Teacher(nn.Module):
    """A trained net with its norms folded, in half precision where the device is made for it."""

    heads: Tensor
    bias: Tensor

    def __init__(self, checkpoint: Path, device: torch.device) -> None:
        super().__init__()
        folded = ExportNet(load_net(checkpoint)[0])
        self.precision = torch.float32 if device.type == "cpu" else torch.float16
        self.standardise = folded.standardise
        self.trunk = folded.trunk.to(self.precision)
        self.register_buffer("heads", folded.maps.weight.detach())
        self.register_buffer("bias", folded.bias.detach())
        self.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs

    def forward(self, views: Tensor) -> Said:
        """Probabilities on `views`, uint8 [n, 48, 48, 1]."""
        features: Tensor = self.trunk(self.standardise(views).to(self.precision))
        logits = functional.linear(features.float().mean(dim=(2, 3)), self.heads, self.bias)
        crowd = len(FERPLUS8)
        return Said(logits[:, :crowd].softmax(dim=1), logits[:, crowd:].softmax(dim=1))


class Faculty:
    """Several teachers, each heard alike."""

    def __init__(self, checkpoints: Sequence[Path], device: torch.device, streams: Streams) -> None:
        self._teachers = [Teacher(path, device) for path in checkpoints]
        self._streams = streams

    @torch.no_grad()
    def probabilities(self, views: Tensor) -> Said:
        """Their mean probabilities on `views`, uint8 [n, 48, 48, 1]."""
        said = self._streams.side_by_side([partial(teacher, views) for teacher in self._teachers])
        ferplus, fer2013 = (torch.stack(heads).mean(dim=0) for heads in zip(*said, strict=True))
        return Said(ferplus, fer2013)
