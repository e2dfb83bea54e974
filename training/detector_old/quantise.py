"""Static int8 (QDQ) edition of the float file: QUInt8 activations, QInt8 weights per channel, last layers in float.

`python -m training.detector.quantise runs/detector/fp32.onnx --out runs/detector/int8.onnx`
Calibrated on training photographs, never on held-out ones.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from training.detector.data import Image, load_photographs, read_picture
from training.detector.predictor import STRIDES, letterbox

# a box's last pixel and a score's tail do not survive 256 steps
FLOAT_NODES = [f"predict{stride}" for stride in STRIDES]

# the step and the zero of the picture's own bytes
BYTES = {"scale": np.array(1, np.float32), "zero_point": np.array(0, np.uint8)}


def calibration_pictures(data: Path, count: int) -> Iterator[Image]:
    """Training photographs spread over all sources, letterboxed at 320, 448 and 640 in turn."""
    training = [p for p in load_photographs(data) if not p.held_out]
    for i, photograph in enumerate(training[:: max(1, len(training) // count)][:count]):
        yield letterbox(read_picture(data, photograph), (320, 448, 640)[i % 3])[0]


class Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, pictures: Iterator[Image]) -> None:
        self._pictures = pictures

    def get_next(self) -> dict[str, Image] | None:
        picture = next(self._pictures, None)
        return None if picture is None else {"images": picture[None]}


def feed_bytes(model: onnx.ModelProto) -> None:
    """Lets the first convolution read the picture's own bytes.

    The quantiser turns bytes into floats (Cast) and those back into bytes (QuantizeLinear); the picture already is
    uint8 with scale 1 and zero point 0, so both go.
    """
    graph = model.graph
    quantised = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "pixels")
    reader = next(n for n in graph.node if n.op_type == "DequantizeLinear" and n.input[0] == quantised.output[0])
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    scale, zero = constants[quantised.input[1]], constants[quantised.input[2]]
    if abs(float(scale) - 1.0) > 1e-6 or int(zero) != 0:
        raise ValueError(f"calibration did not see the full range of pixels: scale {scale}, zero point {zero}")
    cast = next(n for n in graph.node if n.op_type == "Cast" and n.output[0] == "pixels")
    reader.input[0] = cast.input[0]
    graph.node.remove(cast)
    graph.node.remove(quantised)


def quantise(
    source: Path, target: Path, data: Path, count: int, method: CalibrationMethod = CalibrationMethod.MinMax
) -> None:
    """Writes the int8 edition of `source` to `target`."""
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "int8.onnx"
        quantize_static(
            str(source),
            str(first),
            Reader(calibration_pictures(data, count)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv", "Relu", "Add", "Resize"],
            nodes_to_exclude=FLOAT_NODES,
            calibrate_method=method,
            extra_options={
                # The mean range of many pictures, not the widest of any: finer steps, and boxes that tremble less.
                "CalibMovingAverage": True,
                "CalibMovingAverageConstant": 0.02,
                "TensorQuantOverrides": {"pixels": [BYTES]},
            },
        )
        model = onnx.load(first)
    feed_bytes(model)
    onnx.helper.set_model_props(model, {p.key: p.value for p in onnx.load(source).metadata_props})
    onnx.checker.check_model(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/detector/int8.onnx"))
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--method", choices=["MinMax", "Entropy", "Percentile"], default="MinMax")
    arguments = parser.parse_args()
    quantise(arguments.model, arguments.out, arguments.data, arguments.pictures, CalibrationMethod[arguments.method])
    sizes = {path: path.stat().st_size for path in (arguments.model, arguments.out)}
    print(", ".join(f"{path}: {size / 1024:.0f} KiB" for path, size in sizes.items()))


if __name__ == "__main__":
    main()
