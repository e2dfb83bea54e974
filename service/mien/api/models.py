"""``GET /models``, and the metadata of the Open Inference Protocol.

A model's metadata is one of the protocol's probes: it needs no key.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.encoders import jsonable_encoder

from mien.api.dependencies import KEY_NEEDED, GetRoute, StateDep
from mien.api.errors import NotFound
from mien.api.openapi import problems

router = APIRouter(route_class=GetRoute, tags=["models"])

ModelName = Annotated[str, Path(description="its folder in the model store", examples=["emotion"])]

_DATATYPES = {"uint8": "UINT8", "int8": "INT8", "int64": "INT64", "float16": "FP16", "float32": "FP32"}


@router.get(
    "/models", dependencies=[KEY_NEEDED], responses=problems(401, 403, 421, 429, 503), summary="List the models"
)
async def list_models(state: StateDep) -> dict[str, Any]:
    """Every model in the store with its card: version, labels, input, metrics, calibration, data and licence."""
    found = state.engine.get().models()
    cards = [
        {"name": model.name, "version": model.version, "active": model.active, "card": dict(model.manifest)}
        for model in found
    ]
    answer: dict[str, Any] = jsonable_encoder({"models": cards})
    return answer


@router.get(
    "/v2", dependencies=[KEY_NEEDED], responses=problems(401, 403, 421, 429), summary="Name and version of the server"
)
async def server_metadata(state: StateDep) -> dict[str, Any]:
    """Open Inference Protocol: server metadata."""
    return {"name": "mien", "version": state.version, "extensions": []}


@router.get("/v2/models/{name}", responses=problems(404, 421, 503), summary="Metadata of a model")
async def model_metadata(name: ModelName, state: StateDep) -> dict[str, Any]:
    """Open Inference Protocol: model metadata."""
    versions = [model for model in state.engine.get().models() if model.name == name]
    if not versions:
        raise NotFound(f"There is no model {name!r}; GET /models lists the models.")
    serving = next((model for model in versions if model.active), versions[-1])
    return {
        "name": name,
        "versions": [model.version for model in versions],
        "platform": "onnx_onnxruntime",
        "inputs": _tensors(serving.manifest.get("input"), "UINT8"),
        "outputs": _tensors(serving.manifest.get("outputs"), "FP32"),
    }


def _tensors(section: object, datatype: str) -> list[dict[str, Any]]:
    """The tensors as the protocol lists them: a free dimension, which the manifest names, is -1."""
    tables = section if isinstance(section, list) else [section]
    return [
        {
            "name": str(table.get("name", "")),
            "datatype": _DATATYPES.get(str(table.get("dtype")), datatype),
            "shape": [size if isinstance(size, int) else -1 for size in table.get("shape", [])],
        }
        for table in tables
        if isinstance(table, Mapping)
    ]
