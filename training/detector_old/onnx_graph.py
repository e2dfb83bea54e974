"""Writes the trained network as an ONNX graph by hand: folded convolutions, nothing the exporter thought of.

The graph is small and fixed, so every node is written here by name; the int8 step can then say by name which nodes
stay in float.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from training.detector.model import LANDMARKS, MAX_LOG_DISTANCE, OUTPUTS, STRIDES, ConvBnRelu, FaceDetector

OPSET = 17
# how long the weights in the file were trained (the run may have gone on since)
ITERATIONS = "iterations"
FloatArray = npt.NDArray[np.float32]


def folded(block: ConvBnRelu) -> tuple[FloatArray, FloatArray]:
    """Weights [o, i, k, k] and bias [o] of the convolution with its batch norm folded in (done in float64)."""
    conv, norm = block[0], block[1]
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    weight = conv.weight.double() * gain[:, None, None, None]
    bias = norm.bias.double() - norm.running_mean.double() * gain
    return _array(weight), _array(bias)


def _array(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.detach().cpu().numpy().astype(np.float32)
    return array


class GraphWriter:
    """Collects nodes and initialisers; each method adds one node and returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def conv(self, name: str, source: str, weight: FloatArray, bias: FloatArray, stride: int = 1) -> str:
        kernel = weight.shape[-1]
        names = [source, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.node("Conv", names, name, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4)

    def conv_bn_relu(self, name: str, source: str, block: ConvBnRelu, scale: float = 1.0) -> str:
        weight, bias = folded(block)
        conv = block[0]
        assert isinstance(conv, nn.Conv2d)
        out = self.conv(name, source, weight * np.float32(scale), bias, conv.stride[0])
        return self.node("Relu", [out], f"{name}.relu")


def build(model: FaceDetector, iterations: int = 0) -> onnx.ModelProto:
    """The service's contract: uint8 NHWC BGR in; scores, boxes (distances) and landmarks (offsets) in pixels out."""
    graph = GraphWriter()
    planar = graph.node("Transpose", ["images"], "planar", perm=[0, 3, 1, 2])
    features = graph.node("Cast", [planar], "pixels", to=TensorProto.FLOAT)
    for i, block in enumerate(model.stem):
        assert isinstance(block, ConvBnRelu)
        # the division by 255 goes into the first weights: exact, as zero padding stays zero
        features = graph.conv_bn_relu(f"stem.{i}", features, block, 1.0 / 255.0 if i == 0 else 1.0)
    levels = []
    for s, stage in enumerate(model.stages):
        assert isinstance(stage, nn.Sequential)
        for i, block in enumerate(stage):
            assert isinstance(block, ConvBnRelu)
            features = graph.conv_bn_relu(f"stage{STRIDES[s]}.{i}", features, block)
        levels.append(features)
    _neck_and_heads(graph, model, levels)
    value = helper.make_tensor_value_info
    model_proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "face-detector",
            [value("images", TensorProto.UINT8, ["n", "h", "w", 3])],
            [
                value("scores", TensorProto.FLOAT, ["n", "cells"]),
                value("boxes", TensorProto.FLOAT, ["n", "cells", 4]),
                value("landmarks", TensorProto.FLOAT, ["n", "cells", 2 * LANDMARKS]),
            ],
            graph.initialisers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="mien training.detector.export",
    )
    model_proto.ir_version = 8
    helper.set_model_props(model_proto, {ITERATIONS: str(iterations)})
    onnx.checker.check_model(model_proto, full_check=True)
    return model_proto


def _neck_and_heads(graph: GraphWriter, model: FaceDetector, levels: list[str]) -> None:
    twice = graph.constant("upsample.scales", np.array([1, 1, 2, 2], np.float32))
    shape = graph.constant("cells.shape", np.array([0, -1, OUTPUTS], np.int64))
    merged = ""
    cells: list[str] = []
    for i in reversed(range(len(STRIDES))):
        stride = STRIDES[i]
        lateral, predictor, head = model.laterals[i], model.predictors[i], model.heads[i]
        assert isinstance(lateral, ConvBnRelu)
        assert isinstance(predictor, nn.Conv2d)
        assert isinstance(head, nn.Sequential)
        level = graph.conv_bn_relu(f"lateral{stride}", levels[i], lateral)
        if merged:
            up = graph.node(
                "Resize",
                [merged, "", twice],
                f"up{stride}",
                mode="nearest",
                nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            )
            level = graph.node("Add", [level, up], f"merge{stride}")
        merged = features = level
        for j, block in enumerate(head):
            assert isinstance(block, ConvBnRelu)
            features = graph.conv_bn_relu(f"head{stride}.{j}", features, block)
        assert predictor.bias is not None
        # score and log-distances stay as they are; landmark offsets become pixels in the weights themselves, and a
        # distance in pixels is exp(x + log stride)
        gain = np.ones(OUTPUTS, np.float32)
        gain[5:] = stride
        weight = _array(predictor.weight) * gain[:, None, None, None]
        bias = _array(predictor.bias) * gain
        raw = graph.conv(f"predict{stride}", features, weight, bias)
        rows = graph.node("Transpose", [raw], f"rows{stride}", perm=[0, 2, 3, 1])
        cells.insert(0, graph.node("Reshape", [rows, shape], f"cells{stride}"))
        split = graph.constant(f"split{stride}", np.array([1, 4, 2 * LANDMARKS], np.int64))
        parts = [f"{part}{stride}" for part in ("logit", "distance", "landmark")]
        graph.nodes.append(helper.make_node("Split", [cells[0], split], parts, name=f"parts{stride}", axis=2))
        limit = graph.constant(f"limit{stride}", np.array(MAX_LOG_DISTANCE, np.float32))
        log = graph.node("Min", [parts[1], limit], f"log_distance{stride}")
        strides = graph.constant(f"stride{stride}", np.array(stride, np.float32))
        graph.node("Mul", [graph.node("Exp", [log], f"exp{stride}"), strides], f"box{stride}")
    axes = graph.constant("last_axis", np.array([2], np.int64))
    logits = graph.node("Concat", [f"logit{s}" for s in STRIDES], "logits", axis=1)
    graph.node("Sigmoid", [graph.node("Squeeze", [logits, axes], "flat_logits")], "scores")
    graph.node("Concat", [f"box{s}" for s in STRIDES], "boxes", axis=1)
    graph.node("Concat", [f"landmark{s}" for s in STRIDES], "landmarks", axis=1)
