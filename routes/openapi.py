"""Completes the API's description with what is true of all routes: their common errors and headers."""

from __future__ import annotations

import copy
from typing import Any

from fastapi import FastAPI

from routes.errors_model import plain_response

_REQUEST_ID = {
    "description": "The request's own id where it sent a well-formed one, otherwise one made for it; it finds the "
    "request in the server's log.",
    "schema": {"type": "string"},
    "example": "5f2a6d0c9e1b4a375f2a6d0c9e1b4a37",
}
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_METHODS = {"get", "put", "post", "delete", "patch"}
_NOT_OUR_SHAPE = ("HTTPValidationError", "ValidationError")


def complete_description(app: FastAPI) -> None:
    """Make `/openapi.json` tell also what no single route declares."""
    describe_routes = app.openapi

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(describe_routes())
        return describe_routes()

    app.openapi = describe  # type: ignore[method-assign]


def methods_of(app: FastAPI, path: str) -> list[str]:
    """The methods of an address that the description knows."""
    return [method.upper() for method in app.openapi()["paths"].get(path, {}) if method in _METHODS]


def _complete(document: dict[str, Any]) -> None:
    components = document["components"]
    components["headers"] = {"X-Request-ID": _REQUEST_ID}
    for name in _NOT_OUR_SHAPE:
        components["schemas"].pop(name, None)
    for operations in document["paths"].values():
        for method in _METHODS & operations.keys():
            _complete_operation(operations[method])
            _correct_forms(operations[method], components["schemas"])


def _complete_operation(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        responses["422"] = plain_response(422)
    common = {500, 503}
    common |= {401} if operation.get("security") else set()
    common |= {400, 413, 422} if "requestBody" in operation else set()
    for status in sorted(common):
        responses.setdefault(str(status), plain_response(status))
    for response in responses.values():
        response.setdefault("headers", {})["X-Request-ID"] = {"$ref": "#/components/headers/X-Request-ID"}
    operation["responses"] = dict(sorted(responses.items()))


def _correct_forms(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """A form's field is there or it is not: a form has no way to say null."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind in _FORMS:
            referred = schemas.get(content["schema"].get("$ref", "").rpartition("/")[2])
            schema = copy.deepcopy(referred or content["schema"])
            schema["properties"] = {name: _without_null(field) for name, field in schema["properties"].items()}
            content["schema"] = schema


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    alternatives = [one for one in field.get("anyOf", ()) if one != {"type": "null"}]
    if len(alternatives) != 1:
        return field
    kept = {name: value for name, value in field.items() if name not in ("anyOf", "default")}
    return {**kept, **alternatives[0]}
