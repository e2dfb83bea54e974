"""A graph of mini-XCEPTION's shape (Arriaga, Valdenegro-Toro and Ploeger 2017) with random weights.

Batch normalisation is folded into the convolutions, as an export does.
"""

from typing import Any

import numpy as np

SIDE = 64  # px of the input, one channel
_LABELS = 7
_MODULES = (16, 32, 64, 128)  # channels of the residual modules


class _Graph:
    """Nodes and weights; every method appends to them and returns the name of what it computes."""

    def __init__(self) -> None:
        from onnx import helper

        self._helper = helper
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}
        self._random = np.random.default_rng(0)

    def add(self, operator: str, *inputs: str, **attributes: object) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def convolve(self, values: str, shape: tuple[int, int, int], side: int, **attributes: object) -> str:
        """A convolution with bias; ``shape`` is (outputs, inputs per group, groups)."""
        outputs, inputs, groups = shape
        weights, bias = f"weights_{len(self.weights)}", f"bias_{len(self.weights)}"
        deviation = (2 / (inputs * side * side)) ** 0.5
        self.weights[weights] = self._random.normal(0, deviation, (outputs, inputs, side, side)).astype(np.float32)
        self.weights[bias] = np.zeros(outputs, np.float32)
        return self.add("Conv", values, weights, bias, kernel_shape=[side, side], group=groups, **attributes)

    def separable(self, values: str, inputs: int, outputs: int) -> str:
        """A depthwise 3x3 and a pointwise convolution."""
        spatial = self.convolve(values, (inputs, 1, inputs), 3, pads=[1, 1, 1, 1])
        return self.convolve(spatial, (outputs, inputs, 1), 1)


def mini_xception() -> bytes:
    """The ONNX file: ``images`` float32 [n, 1, 64, 64] to ``scores`` float32 [n, 7]."""
    from onnx import TensorProto, helper, numpy_helper

    graph = _Graph()
    values = graph.add("Relu", graph.convolve("images", (8, 1, 1), 3))
    values, channels = graph.add("Relu", graph.convolve(values, (8, 8, 1), 3)), 8
    for outputs in _MODULES:
        shortcut = graph.convolve(values, (outputs, channels, 1), 1, strides=[2, 2])
        values = graph.add("Relu", graph.separable(values, channels, outputs))
        values = graph.separable(values, outputs, outputs)
        values = graph.add("MaxPool", values, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
        values, channels = graph.add("Add", values, shortcut), outputs
    values = graph.add("GlobalAveragePool", graph.convolve(values, (_LABELS, channels, 1), 3, pads=[1, 1, 1, 1]))
    graph.nodes.append(helper.make_node("Softmax", [graph.add("Flatten", values)], ["scores"], axis=1))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "mini_xception",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", _LABELS])],
            [numpy_helper.from_array(array, name) for name, array in graph.weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    return bytes(model.SerializeToString())
