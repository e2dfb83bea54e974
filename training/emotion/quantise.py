"""fp32 ONNX -> int8 ONNX: static QDQ, uint8 activations, int8 weights per channel."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

QUANTISED_OPERATORS = ["Conv", "Add", "Relu", "Slice", "GlobalAveragePool", "Mul"]  # the last two: in gates


class FaceReader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds crops [n, 48, 48] to the calibrator, `batch` at a time."""

    def __init__(self, images: NDArray[np.uint8], batch: int = 32) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = iter(
            images[start : start + batch, :, :, None] for start in range(0, len(images), batch)
        )

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next batch, or None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch}


def quantise(source: Path, target: Path, images: NDArray[np.uint8], percentile: float = 99.999) -> None:
    """Write `source` (fp32) to `target` in int8, its ranges measured on `images` [n, 48, 48]."""
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser's advice on preprocessing is taken already
    model = onnx.load(source)
    quantize_static(
        onnx.shape_inference.infer_shapes(model),
        str(target),
        FaceReader(images),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=QUANTISED_OPERATORS,
        nodes_to_exclude=float_nodes(model),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.Percentile,
        extra_options={"CalibPercentile": percentile},
    )


def float_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that stay in float: all before the first convolution, the gates' convolutions of single
    numbers, the heads' product and all after. They cost next to nothing, and an error there reaches the scores."""
    nodes = list(model.graph.node)
    convolutions = [index for index, node in enumerate(nodes) if node.op_type == "Conv"]
    (heads,) = (index for index, node in enumerate(nodes) if node.op_type == "MatMul")
    gates = [nodes[index] for index in convolutions if nodes[index].input[1].endswith((".squeeze", ".excite"))]
    return [node.name for node in (*nodes[: convolutions[0]], *gates, *nodes[heads:])]
