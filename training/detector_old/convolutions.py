"""Which convolutions are the faster ones here: dense 3x3, or depthwise 3x3 and 1x1, in float and in int8.

`python -m training.detector.convolutions ../shared/teacher/yunet_n.onnx`
Four networks of random weights in one run, turn about: the shape that ships, the same with every 3x3 convolution but
the first split in two, and both in int8 (QDQ); the files named beside them run too. Speed is all that random weights
show: of equal width, the dense network does eight times as many multiply-adds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from training.detector.model import SHAPES, FaceDetector
from training.detector.onnx_graph import build
from training.detector.quantise import quantise
from training.detector.timing import milliseconds

SIDES = (320, 640)


def split(model: onnx.ModelProto) -> onnx.ModelProto:
    """Every dense 3x3 convolution of more than three inputs as a depthwise one, a ReLU and a 1x1 one."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in out.graph.initializer}
    rng = np.random.default_rng(0)
    nodes = []
    for node in out.graph.node:
        weight = weights.get(node.input[1]) if node.op_type == "Conv" else None
        if weight is None or weight.shape[2] != 3 or weight.shape[1] <= 3:
            nodes.append(node)
            continue
        outputs, inputs = weight.shape[:2]
        name = node.output[0]
        depthwise = rng.normal(0, 0.3, (inputs, 1, 3, 3)).astype(np.float32)
        pointwise = rng.normal(0, (2 / inputs) ** 0.5, (outputs, inputs, 1, 1)).astype(np.float32)
        out.graph.initializer.append(numpy_helper.from_array(depthwise, f"{name}.depthwise"))
        out.graph.initializer.append(numpy_helper.from_array(pointwise, f"{name}.pointwise"))
        strides = next(list(a.ints) for a in node.attribute if a.name == "strides")
        middle = [f"{name}.spread", f"{name}.spread.relu"]
        spread = helper.make_node(
            "Conv",
            [node.input[0], f"{name}.depthwise"],
            middle[:1],
            name=middle[0],
            kernel_shape=[3, 3],
            strides=strides,
            pads=[1] * 4,
            group=inputs,
        )
        relu = helper.make_node("Relu", middle[:1], middle[1:], name=middle[1])
        mix = helper.make_node(
            "Conv", [middle[1], f"{name}.pointwise", node.input[2]], [name], name=name, kernel_shape=[1, 1]
        )
        nodes += [spread, relu, mix]
        weights.pop(node.input[1])
    kept = [tensor for tensor in out.graph.initializer if tensor.name in weights or tensor.name.endswith("wise")]
    del out.graph.initializer[:]
    out.graph.initializer.extend(kept)
    del out.graph.node[:]
    out.graph.node.extend(nodes)
    onnx.checker.check_model(out, full_check=True)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("beside", type=Path, nargs="*", help="other detectors to time in the same run")
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="photographs that set the int8 ranges"
    )
    parser.add_argument("--shape", choices=sorted(SHAPES), default="deep")
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    dense = build(FaceDetector(SHAPES[arguments.shape]).eval())
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, model in (("dense", dense), ("depthwise", split(dense))):
            fp32, int8 = Path(folder) / f"{name}-fp32.onnx", Path(folder) / f"{name}-int8.onnx"
            onnx.save(model, fp32)
            quantise(fp32, int8, arguments.data, 12)
            paths += [fp32, int8]
        files = [*paths, *arguments.beside]
        times = {side: milliseconds(files, side, arguments.rounds) for side in SIDES}
    report = {str(side): dict(zip([f.name for f in files], times[side], strict=True)) for side in SIDES}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
