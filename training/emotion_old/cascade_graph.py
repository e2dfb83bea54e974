"""The graph of a cascade: two nets and who answers whom. See `cascade`."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, compose, helper, numpy_helper

from training.emotion.session import EPOCHS, UNSURE

STAGES = ("first", "second")  # what the names inside the file begin with
ANSWERS = ("ferplus", "fer2013", "activation")  # outputs that both nets have; what else they have is left out
HEADS = ANSWERS[:2]


@dataclass(frozen=True)
class Rule:
    """Which faces the second net looks at, and how far it is followed.

    The first net is as certain of a face as the logit of its likeliest label is above the next, added over both heads:
    how many nats likelier. A face of which it is less than `certainty` certain goes on. The second net's part in the
    answer grows from nothing there to `share` for faces of which the first is less certain by `fade`: a face that
    changes little must not change its scores at one stroke.
    """

    certainty: float
    fade: float
    share: float

    def part(self, certain: NDArray[np.floating]) -> NDArray[np.floating]:
        """The second net's part in the answer, [n], for faces of which the first is `certain` [n]."""
        part: NDArray[np.floating] = self.share * np.clip((self.certainty - certain) / self.fade, 0, 1)
        return part


def joined(first: ModelProto, second: ModelProto, rule: Rule) -> ModelProto:
    """One graph of both nets; beside their answers it says which faces went on (`unsure`, bool [n])."""
    light, wide = (compose.add_prefix(net, f"{name}.") for net, name in zip((first, second), STAGES, strict=True))
    nodes = [*_fed(light.graph.node, "first.images", "images"), *_doubt()]
    constants: dict[str, NDArray[np.generic]] = {
        "two": np.array([2], np.int64),
        "labels": np.array([1], np.int64),
        "ahead": np.array([1, -1] * len(HEADS), np.float32),
        "a_row": np.array([-1], np.int64),
        "a_column": np.array([-1, 1], np.int64),
        "a_map": np.array([-1, 1, 1, 1], np.int64),
        "certainty": np.array(rule.certainty, np.float32),
        "per_fade": np.array(1 / rule.fade, np.float32),
        "all_of_it": np.array(1, np.float32),
        "share": np.array(rule.share, np.float32),
    }
    weights = [*light.graph.initializer, *(numpy_helper.from_array(value, name) for name, value in constants.items())]
    outputs = {value.name: value for value in first.graph.output}
    answers = [outputs[name] for name in ANSWERS]
    looked = helper.make_graph(
        [*_second_look(wide.graph.node)],
        "second look",
        [],
        [_renamed(value, f"looked.{value.name}") for value in answers],
        list(wide.graph.initializer),
    )
    passed = helper.make_graph(
        [helper.make_node("Identity", [f"first.{name}"], [f"passed.{name}"]) for name in ANSWERS],
        "all are sure",
        [],
        [_renamed(value, f"passed.{value.name}") for value in answers],
    )
    # A convolution of no faces at all is nothing to rely on, and the common case of a single face pays for no more.
    nodes.append(helper.make_node("If", ["any"], list(ANSWERS), then_branch=looked, else_branch=passed))
    graph = helper.make_graph(
        nodes,
        "cascade",
        list(first.graph.input),
        [*answers, helper.make_tensor_value_info(UNSURE, TensorProto.BOOL, ["n"])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=list(first.opset_import), ir_version=first.ir_version)
    helper.set_model_props(model, {EPOCHS: str(sum(_epochs(net) for net in (first, second)))})
    onnx.checker.check_model(model, full_check=True)
    return model


def stage_of(model: ModelProto, stage: str) -> Iterable[TensorProto]:
    """The weights of one of a cascade's nets ("first" or "second"), named as in its own file."""
    inside = [part.g for node in model.graph.node if node.op_type == "If" for part in node.attribute]
    for graph in (model.graph, *inside):
        for weight in graph.initializer:
            if weight.name.startswith(f"{stage}."):
                bare = TensorProto()
                bare.CopyFrom(weight)
                bare.name = weight.name.removeprefix(f"{stage}.")
                yield bare


def _doubt() -> Iterable[NodeProto]:
    """From the first net's logits to how `certain` it is [n], who goes on (`unsure` [n]), and whether there is `any`.

    In few nodes: for a face by itself each costs more than its sums.
    """
    for head in HEADS:
        yield helper.make_node("TopK", [f"first.{head}", "two"], [f"{head}.best", f"{head}.labels"], axis=1)
    yield helper.make_node("Concat", [f"{head}.best" for head in HEADS], ["best"], axis=1)
    yield helper.make_node("Mul", ["best", "ahead"], ["leads"])
    yield helper.make_node("ReduceSum", ["leads", "labels"], ["certain"], keepdims=0)
    yield helper.make_node("Less", ["certain", "certainty"], [UNSURE])
    yield helper.make_node("ReduceMin", ["certain"], ["least_certain"], keepdims=0)
    yield helper.make_node("Less", ["least_certain", "certainty"], ["any"])


def _second_look(nodes: Iterable[NodeProto]) -> Iterable[NodeProto]:
    """The second net on the faces that it is to look at (their indices: `rows` [m], `places` [m, 1]), and each answer
    moved towards what that says, by its `part`."""
    yield helper.make_node("NonZero", [UNSURE], ["indices"])
    yield helper.make_node("Reshape", ["indices", "a_row"], ["rows"])
    yield helper.make_node("Reshape", ["indices", "a_column"], ["places"])
    yield helper.make_node("Gather", ["images", "rows"], ["second.images"], axis=0)
    yield from nodes
    yield helper.make_node("Gather", ["certain", "places"], ["second.certain"], axis=0)
    yield helper.make_node("Sub", ["certainty", "second.certain"], ["lacking"])
    yield helper.make_node("Mul", ["lacking", "per_fade"], ["unlimited"])
    yield helper.make_node("Min", ["unlimited", "all_of_it"], ["faded"])
    yield helper.make_node("Mul", ["faded", "share"], ["part"])
    yield helper.make_node("Reshape", ["part", "a_map"], ["part_of_map"])
    for name in ANSWERS:
        part = "part_of_map" if name == "activation" else "part"
        yield helper.make_node("Gather", [f"first.{name}", "rows"], [f"{name}.before"], axis=0)
        yield helper.make_node("Sub", [f"second.{name}", f"{name}.before"], [f"{name}.difference"])
        yield helper.make_node("Mul", [f"{name}.difference", part], [f"{name}.step"])
        yield helper.make_node("Add", [f"{name}.before", f"{name}.step"], [f"{name}.after"])
        yield helper.make_node("ScatterND", [f"first.{name}", "places", f"{name}.after"], [f"looked.{name}"])


def _fed(nodes: Iterable[NodeProto], old: str, new: str) -> Iterable[NodeProto]:
    """Nodes that read `new` where they read `old`."""
    for node in nodes:
        fed = NodeProto()
        fed.CopyFrom(node)
        fed.input[:] = [new if name == old else name for name in node.input]
        yield fed


def _renamed(value: ValueInfoProto, name: str) -> ValueInfoProto:
    renamed = ValueInfoProto()
    renamed.CopyFrom(value)
    renamed.name = name
    return renamed


def _epochs(model: ModelProto) -> int:
    return int({entry.key: entry.value for entry in model.metadata_props}.get(EPOCHS, 0))
