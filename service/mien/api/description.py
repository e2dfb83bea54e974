"""What is made of FastAPI's OpenAPI document before it is served."""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from mien.api.errors import ProblemOut

_TAGS = {
    "pictures": "Faces in still pictures.",
    "clips": "People followed through a clip.",
    "models": "What the models say of themselves.",
    "health": "Probes and metrics.",
}


def operation_id(route: APIRoute) -> str:
    """What generated clients call an operation: the name of the function behind it."""
    return route.name


def describe(app: FastAPI, keyed: bool, max_pictures: int) -> None:
    """Complete the document of ``app``.

    Args:
        app: whose ``openapi`` is wrapped.
        keyed: API keys are asked for; else the document says that requests without one are answered.
        max_pictures: the bound on pictures in one request.
    """
    app.openapi = _completed(app.openapi, keyed, max_pictures)  # type: ignore[method-assign]


def _completed(openapi: Callable[[], dict[str, Any]], keyed: bool, max_pictures: int) -> Callable[[], dict[str, Any]]:
    def document() -> dict[str, Any]:
        found = openapi()
        if "tags" in found:  # FastAPI keeps the document: it is complete already
            return found
        # FastAPI lists models of its own media type only.
        found["components"]["schemas"][ProblemOut.__name__] = ProblemOut.model_json_schema()
        for operation in _operations(found):
            if "security" in operation and not keyed:
                operation["security"].append({})
            for parameter in operation.get("parameters", ()):
                _without_null(parameter["schema"])
            for body in operation.get("requestBody", {}).get("content", {}).values():
                for field in body["schema"].get("properties", {}).values():
                    if field["type"] == "array":
                        field["maxItems"] = max_pictures
        found["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
        return found

    return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def _without_null(schema: dict[str, Any]) -> None:
    """An option that may be left out is null inside, but a query string cannot say so."""
    forms = [form for form in schema.get("anyOf", ()) if form != {"type": "null"}]
    if len(forms) == 1:
        del schema["anyOf"]
        schema.update(forms[0])
