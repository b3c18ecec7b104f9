"""The published JSON schema of `butler.yml`, made from its classes: `python -m butler_file > docs/butler.schema.json`."""

from __future__ import annotations

import json
from typing import Any

from butler_file.keys import ButlerFile


def schema_text() -> str:
    """What docs/butler.schema.json holds."""
    schema = ButlerFile.model_json_schema(mode="validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "butler.yml"}
    return json.dumps({**schema, **head}, indent=2, ensure_ascii=False) + "\n"


def overrides_schema() -> dict[str, Any]:
    """The same keys as the API's description of what a request may say."""
    schema = ButlerFile.model_json_schema(mode="validation")
    whole: dict[str, Any] = _inlined(schema, schema.pop("$defs"))
    return whole


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema without references: it is put into a document that has its own place for them."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    referred = definitions.get(str(schema.get("$ref", "")).rpartition("/")[2], {})
    kept = {name: value for name, value in schema.items() if name != "$ref"}
    return {name: _inlined(value, definitions) for name, value in {**referred, **kept}.items()}
