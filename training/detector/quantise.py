"""fp32 ONNX -> int8 ONNX; the picture's own bytes go into the first convolution, which reads four pixels at a time; the
last layers stay in float."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod

from training.common import onnx_files
from training.detector.data import Image
from training.detector.wide_stem import widen

# The step and the zero of the picture's own bytes.
BYTES = {"scale": np.array(1, np.float32), "zero_point": np.array(0, np.uint8)}
QUANTISED_OPERATORS = ("Conv", "Relu", "Add", "Resize")


def quantise(source: Path, target: Path, pictures: Iterator[Image]) -> None:
    """Write `source` (fp32) to `target` in int8, its ranges measured on letterboxed `pictures` uint8 [1, h, w, 3]."""
    model = onnx.load(source)
    pixels = _pixels(model)
    options = {
        # The mean range of many pictures, not the widest of any: finer steps, and boxes that tremble less.
        "CalibMovingAverage": True,
        "CalibMovingAverageConstant": 0.02,
        "TensorQuantOverrides": {pixels: [BYTES]},
    }
    method = CalibrationMethod.MinMax
    onnx_files.quantise(model, target, pictures, QUANTISED_OPERATORS, float_nodes(model), method, options)
    quantised = onnx.load(target)
    _feed_bytes(quantised, pixels)
    widen(quantised)
    onnx.checker.check_model(quantised)
    onnx.save(quantised, target)


def float_nodes(model: onnx.ModelProto) -> list[str]:
    """The last layers and the score's calibration: a box's last pixel and a score's tail do not survive 256 steps."""
    return [node.name for node in model.graph.node if node.name.startswith(("/predictors", "/calibration"))]


def _pixels(model: onnx.ModelProto) -> str:
    """The name of the picture as floats."""
    return next(str(node.output[0]) for node in model.graph.node if node.op_type == "Cast")


def _feed_bytes(model: onnx.ModelProto, pixels: str) -> None:
    """Let the first convolution read the picture's own bytes: turned into floats and back into bytes they are equal."""
    graph = model.graph
    quantised = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == pixels)
    reader = next(n for n in graph.node if n.op_type == "DequantizeLinear" and n.input[0] == quantised.output[0])
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    scale, zero = constants[quantised.input[1]], constants[quantised.input[2]]
    if abs(float(scale) - 1.0) > 1e-6 or int(zero) != 0:
        raise ValueError(f"calibration did not see the full range of pixels: scale {scale}, zero point {zero}")
    cast = next(n for n in graph.node if n.op_type == "Cast" and n.output[0] == pixels)
    reader.input[0] = cast.input[0]
    graph.node.remove(cast)
    graph.node.remove(quantised)
