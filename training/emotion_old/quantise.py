"""fp32 ONNX -> int8 ONNX: `python -m training.emotion.quantise --run runs/emotion/NAME`.

Static, QDQ, uint8 activations and int8 weights a channel: the form that onnxruntime's CPU kernels run fastest on
residual nets. Standardisation, the heads and the last pooling stay in float.
"""

import argparse
import logging
import tempfile
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

from training.emotion import data

METHODS = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile}
QUANTISED_OPERATORS = ["Conv", "Add", "Relu", "Slice", "GlobalAveragePool", "Mul"]  # the last two: in gates


class FaceReader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds tiles [n, 48, 48] to the calibrator, `batch` at a time."""

    def __init__(self, images: NDArray[np.uint8], batch: int = 32) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = iter(
            images[start : start + batch, :, :, None] for start in range(0, len(images), batch)
        )

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next batch, or None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch}


def quantise(
    source: Path, target: Path, images: NDArray[np.uint8], method: str = "percentile", percentile: float = 99.999
) -> None:
    """Write `source` (fp32) to `target` in int8, its ranges measured on `images` [n, 48, 48]."""
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
        calibrate_method=METHODS[method],
        extra_options={"CalibPercentile": percentile} if method == "percentile" else {},
    )


def float_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that stay in float: all before the first convolution, the gates' convolutions of single
    numbers, the heads' product and all after.

    They cost next to nothing, and an error there reaches the scores undamped.
    """
    nodes = list(model.graph.node)
    convolutions = [index for index, node in enumerate(nodes) if node.op_type == "Conv"]
    (heads,) = (index for index, node in enumerate(nodes) if node.op_type == "MatMul")
    gates = [nodes[index] for index in convolutions if nodes[index].input[1].endswith((".squeeze", ".excite"))]
    return [node.name for node in (*nodes[: convolutions[0]], *gates, *nodes[heads:])]


def calibration_faces(folder: Path, count: int, seed: int = 0) -> NDArray[np.uint8]:
    """`count` random train faces [count, 48, 48], without augmentation."""
    images = data.load(folder, "train").images
    chosen = np.random.default_rng(seed).choice(len(images), count, replace=False)
    faces: NDArray[np.uint8] = images[np.sort(chosen)]
    return faces


def main() -> None:
    """Quantise RUN/fp32.onnx to RUN/int8.onnx."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.quantise", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--method", choices=sorted(METHODS), default="percentile")
    parser.add_argument("--percentile", type=float, default=99.999)
    parser.add_argument("--faces", type=int, default=1024, help="train faces to measure ranges on")
    options = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)  # onnxruntime suggests a preprocessing that would change nothing
    images = calibration_faces(options.data, options.faces)
    target = options.run / "int8.onnx"
    with tempfile.TemporaryDirectory() as folder:
        partial = Path(folder) / "int8.onnx"
        quantise(options.run / "fp32.onnx", partial, images, options.method, options.percentile)
        target.write_bytes(partial.read_bytes())
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
