"""Cuts the few answers that the tests' GitHub gives out of GitHub's own OpenAPI description.

Run it by hand when the fake learns a new path:

    npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-*.tgz
    python tests/cut_github_description.py package/generated/api.github.com.json

It writes `tests/github_description.json`: for each path the JSON schema of its 200 (and 404) answer, and the schemas
that those refer to, without prose and examples.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PATHS = (
    "/user/repos",
    "/repos/{owner}/{repo}/branches",
    "/repos/{owner}/{repo}/contents/{path}",
)
TARGET = Path(__file__).parent / "github_description.json"
_PROSE = {"description", "example", "examples", "title", "externalDocs", "x-github", "deprecated"}


def main(source: Path) -> None:
    """Write the cut-down description."""
    whole = json.loads(source.read_text(encoding="utf-8"))
    schemas: dict[str, Any] = {}
    answers = {path: answers_of(whole, path, schemas) for path in PATHS}
    TARGET.write_text(json.dumps({"answers": answers, "components": {"schemas": schemas}}, indent=0) + "\n")


def answers_of(whole: dict[str, Any], path: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas of a path's answers to GET, by status; what they refer to is collected in `schemas`."""
    found = {}
    for status, answer in whole["paths"][path]["get"]["responses"].items():
        answer = resolved(whole, answer)
        content = answer.get("content", {}).get("application/json")
        if content and status in ("200", "401", "403", "404"):
            found[status] = plain(whole, content["schema"], schemas)
    return found


def plain(whole: dict[str, Any], schema: Any, schemas: dict[str, Any]) -> Any:
    """A schema without prose, with OpenAPI 3.0's `nullable` said as JSON Schema says it."""
    if isinstance(schema, list):
        return [plain(whole, one, schemas) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in schemas:
            schemas[name] = {}
            schemas[name] = plain(whole, resolved(whole, schema), schemas)
        return {"$ref": f"#/components/schemas/{name}"}
    cut = {}
    for key, value in schema.items():
        if key == "properties":
            cut[key] = {name: plain(whole, one, schemas) for name, one in value.items()}
        elif key in ("enum", "required"):
            cut[key] = value
        elif key not in _PROSE and key != "nullable":
            cut[key] = plain(whole, value, schemas)
    if schema.get("nullable"):
        return {"anyOf": [cut, {"type": "null"}]}
    return cut


def resolved(whole: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a reference refers to."""
    while "$ref" in node:
        target: Any = whole
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


if __name__ == "__main__":
    main(Path(sys.argv[1]))
