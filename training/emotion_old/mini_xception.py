"""mini-XCEPTION's graph, to time ours beside: `python -m training.emotion.mini_xception [--out FILE.onnx]`.

Arriaga, Valdenegro-Toro and Plöger 2017 (arXiv 1710.07557), in the form of the authors' code (oarriaga/
face_classification, `mini_XCEPTION`) and of the `fer` package: 64x64 grey floats in, seven emotions out, 58,423
parameters. The weights are random: only the time is of interest. fp32, as people run it.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
SIDE = 64
CLASSES = 7
STEM = (8, 8)
MODULES = (16, 32, 64, 128)


class _Graph:
    """Collects nodes and weights; a tensor is known by its name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._rng = np.random.default_rng(0)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, *shape: int) -> str:
        """Positive throughout, so that the same name serves as a kernel and as a variance."""
        name = f"weight_{len(self.weights)}"
        values = self._rng.uniform(0.5, 1.5, shape).astype(np.float32) / np.sqrt(np.prod(shape[1:], dtype=np.float32))
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def conv(self, x: str, inputs: int, outputs: int, kernel: int, **attributes: object) -> str:
        weight = self.weight(outputs, inputs, kernel, kernel)
        return self.node("Conv", x, weight, kernel_shape=[kernel, kernel], **attributes)

    def norm(self, x: str, width: int) -> str:
        """Batch norm; onnxruntime folds it into the convolution before it."""
        return self.node("BatchNormalization", x, *(self.weight(width) for _ in range(4)), epsilon=1e-3)

    def separable(self, x: str, inputs: int, outputs: int) -> str:
        deep = self.conv(x, 1, inputs, 3, group=inputs, auto_pad="SAME_UPPER")
        return self.norm(self.conv(deep, inputs, outputs, 1), outputs)


def build() -> onnx.ModelProto:
    """The graph: float32 [n, 64, 64, 1] in 0..1 -> probabilities [n, 7]; channels last at the door, as in Keras."""
    graph = _Graph()
    x, width = graph.node("Transpose", "images", perm=[0, 3, 1, 2]), 1
    for outputs in STEM:
        x = graph.node("Relu", graph.norm(graph.conv(x, width, outputs, 3), outputs))
        width = outputs
    for outputs in MODULES:
        shortcut = graph.norm(graph.conv(x, width, outputs, 1, strides=[2, 2]), outputs)
        x = graph.node("Relu", graph.separable(x, width, outputs))
        x = graph.separable(x, outputs, outputs)
        x = graph.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
        x, width = graph.node("Add", x, shortcut), outputs
    kernel, bias = graph.weight(CLASSES, width, 3, 3), graph.weight(CLASSES)
    x = graph.node("Conv", x, kernel, bias, kernel_shape=[3, 3], auto_pad="SAME_UPPER")
    x = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    graph.node("Softmax", x)
    graph.nodes[-1].output[0] = "predictions"
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", SIDE, SIDE, 1])
    predictions = helper.make_tensor_value_info("predictions", TensorProto.FLOAT, ["n", CLASSES])
    body = helper.make_graph(graph.nodes, "mini_xception", [images], [predictions], graph.weights)
    # IR 8 goes with opset 17; the helper would write the newest, which older runtimes refuse.
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def parameters(model: onnx.ModelProto) -> int:
    """How many numbers the graph's weights hold; Keras counts a batch norm's four a channel, too."""
    return sum(int(np.prod(weight.dims)) for weight in model.graph.initializer)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.emotion.mini_xception", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/emotion/mini_xception.onnx"))
    options = parser.parse_args()
    model = build()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, options.out)
    print(f"{options.out}: {parameters(model)} parameters, {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
