"""The published JSON schema of `butler.yml`, made from its classes: `python -m butler_file > docs/butler.schema.json`."""

from __future__ import annotations

import json
from typing import Any

from butler_file.keys import ButlerFile


def schema_text() -> str:
    """What docs/butler.schema.json holds."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "butler.yml"}
    return json.dumps({**_schema(), **head}, indent=2, ensure_ascii=False) + "\n"


def overrides_schema() -> dict[str, Any]:
    """The same keys as the API's description of what a request may say; what is text is described as text only."""
    schema = _schema()
    whole: dict[str, Any] = _inlined(schema, schema.pop("$defs"))
    return whole


def _schema() -> dict[str, Any]:
    whole: dict[str, Any] = _closed(ButlerFile.model_json_schema(mode="validation"))
    return whole


def _closed(schema: Any) -> Any:
    """The schema whose mappings of names take no other names than those of their pattern."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    is_open = "patternProperties" in closed and "additionalProperties" not in closed
    return {**closed, "additionalProperties": False} if is_open else closed


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema without references: it is put into a document that has its own place for them."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    referred = definitions.get(str(schema.get("$ref", "")).rpartition("/")[2], {})
    whole = {**referred, **{name: value for name, value in schema.items() if name != "$ref"}}
    if any(one.get("type") == "string" for one in whole.get("anyOf", ())):
        whole["anyOf"] = [one for one in whole["anyOf"] if one.get("type") not in ("number", "integer", "boolean")]
    return {name: _inlined(value, definitions) for name, value in whole.items()}
