"""From a network in torch to an ONNX file, and from that to int8: what both models do alike."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from torch import Tensor, nn

OPSET = 17


def write(network: nn.Module, example: Tensor, path: Path, axes: Mapping[str, Mapping[int, str]]) -> None:
    """Write `network`, run on `example`, to `path`. `axes`: for the input `images`, then for each output, the names of
    its axes of any length. Batch norms are folded into the convolutions before them."""
    with warnings.catch_warnings():
        # The tracing exporter needs no further package and writes a static graph without loose ends.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=[name for name in axes if name != "images"],
            dynamic_axes={name: dict(names) for name, names in axes.items()},
        )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def quantise(
    model: onnx.ModelProto,
    target: Path,
    images: Iterator[NDArray[np.uint8]],
    operators: Sequence[str],
    float_nodes: Sequence[str],
    method: CalibrationMethod,
    options: Mapping[str, Any],
) -> None:
    """Write the fp32 `model` to `target` in int8: static QDQ, uint8 activations, int8 weights per channel.

    Ranges are measured on `images`, each the input of a call. Only `operators` are quantised, without `float_nodes`.
    """
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser's advice on preprocessing is taken already
    quantize_static(
        onnx.shape_inference.infer_shapes(model),
        str(target),
        _Reader(images),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=list(operators),
        nodes_to_exclude=list(float_nodes),
        calibrate_method=method,
        extra_options=dict(options),
    )


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, images: Iterator[NDArray[np.uint8]]) -> None:
        self._images = images

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        images = next(self._images, None)
        return None if images is None else {"images": images}
