"""The published JSON schema of `butler.yml`, made from its classes: `python -m butler_file > docs/butler.schema.json`."""

from __future__ import annotations

import json

from butler_file.keys import ButlerFile


def schema_text() -> str:
    """What docs/butler.schema.json holds."""
    schema = ButlerFile.model_json_schema(mode="validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "butler.yml"}
    return json.dumps({**schema, **head}, indent=2, ensure_ascii=False) + "\n"
