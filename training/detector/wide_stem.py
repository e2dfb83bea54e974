"""The first convolution of an int8 graph, rewritten to read groups of four pixels: the same numbers, 2.5 times as fast.

onnxruntime gathers a convolution's input tap by tap, and a tap of three bytes costs it as much as one of twelve. Four
neighbouring pixels of a row are one position with twelve channels, which is a mere reshape of [n, h, w, 3]. From two
such positions and three rows, one position of twice the channels is computed, and those are two neighbouring output
pixels. The weights that a pixel has no part in are zero, so every sum is the same integer as before.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

GROUP = 4  # input pixels; 2 are no faster than 1, 8 multiply too many zeros
_AT_ONCE = GROUP // 2  # output pixels of a stride of 2


def widen(model: onnx.ModelProto) -> None:
    """Rewrite `model`, whose input's width is a multiple of four, in place.

    The first convolution must be 3 x 3 with a stride of 2 and a padding of 1, and be fed with the transposed input.

    Raises:
        ValueError: it is not.
    """
    graph = model.graph
    planar = _reader(graph, "images")
    pixels = _reader(graph, planar.output[0])
    conv = _reader(graph, pixels.output[0])
    shape = {attribute.name: attribute for attribute in conv.attribute}
    begins = [planar.op_type, conv.op_type, *shape["strides"].ints, *shape["pads"].ints]
    if begins != ["Transpose", "Conv", 2, 2, 1, 1, 1, 1]:
        raise ValueError("the graph does not begin with a 3 x 3 convolution of stride 2 over the transposed input")
    weights, bias = (_writer(graph, name) for name in conv.input[1:3])
    kernel = _constant(graph, weights.input[0])
    _replace(graph, weights.input[0], _grouped(kernel))
    for name in (*weights.input[1:], *bias.input):
        _replace(graph, name, np.tile(_constant(graph, name), _AT_ONCE))
    shape["kernel_shape"].ints[:], shape["strides"].ints[:], shape["pads"].ints[:] = [3, 2], [2, 1], [1, 1, 0, 0]
    _regroup(graph, planar, _quantiser(graph, conv), len(kernel))
    del graph.value_info[:]
    onnx.checker.check_model(model)


def _grouped(kernel: np.ndarray) -> np.ndarray:
    """[outputs, 3, 3, 3] -> [2 outputs, 12, 3, 2]: for each of two neighbouring output pixels, its weights on the
    pixels of the group before (tap 0) and of its own (tap 1)."""
    outputs = len(kernel)
    grouped = np.zeros((_AT_ONCE * outputs, 3 * GROUP, 3, 2), kernel.dtype)
    for pixel in range(_AT_ONCE):
        for column in range(3):
            place = 2 * pixel + column - 1  # from the first pixel of its own group
            tap, at = divmod(place + GROUP, GROUP)
            rows = slice(pixel * outputs, (pixel + 1) * outputs)
            grouped[rows, 3 * at : 3 * at + 3, :, tap] = kernel[..., column]
    return grouped


def _regroup(graph: onnx.GraphProto, planar: onnx.NodeProto, last: onnx.NodeProto, outputs: int) -> None:
    """Reshape the input before `planar`, and what the quantiser `last` writes back into single pixels."""
    for name, channels in (("group", 3 * GROUP), ("single", outputs)):
        graph.initializer.append(numpy_helper.from_array(np.asarray([0, 0, -1, channels], np.int64), name))
    planar.input[0] = "grouped_images"
    result, last.output[0] = last.output[0], "pairs"
    nodes = list(graph.node)
    after = nodes.index(last) + 1
    nodes[after:after] = [
        helper.make_node("Transpose", ["pairs"], ["pairs_last"], "pairs_last", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["pairs_last", "single"], ["single_last"], "single_last"),
        helper.make_node("Transpose", ["single_last"], [result], "single_pixels", perm=[0, 3, 1, 2]),
    ]
    before = nodes.index(planar)
    nodes.insert(before, helper.make_node("Reshape", ["images", "group"], ["grouped_images"], "grouped_images"))
    del graph.node[:]
    graph.node.extend(nodes)


def _quantiser(graph: onnx.GraphProto, node: onnx.NodeProto) -> onnx.NodeProto:
    while node.op_type != "QuantizeLinear":
        node = _reader(graph, node.output[0])
    return node


def _reader(graph: onnx.GraphProto, name: str) -> onnx.NodeProto:
    reader: onnx.NodeProto = next(node for node in graph.node if name in node.input)
    return reader


def _writer(graph: onnx.GraphProto, name: str) -> onnx.NodeProto:
    writer: onnx.NodeProto = next(node for node in graph.node if name in node.output)
    return writer


def _constant(graph: onnx.GraphProto, name: str) -> np.ndarray:
    return np.asarray(numpy_helper.to_array(next(one for one in graph.initializer if one.name == name)))


def _replace(graph: onnx.GraphProto, name: str, value: np.ndarray) -> None:
    next(one for one in graph.initializer if one.name == name).CopyFrom(numpy_helper.from_array(value, name))
