"""The variables that a repository says it takes: the names in its own example of an env file."""

from __future__ import annotations

import re

from domain import OfferedVariable
from workspace import Workspace

EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", ".env.local.example")
MOST_NAMES = 200
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,127})\s*=")


def offered_variables(workspace: Workspace) -> tuple[OfferedVariable, ...]:
    """The names in the first example file that is there, each once, with its line; values are not looked at."""
    for path in EXAMPLES:
        text = workspace.read_text(path)
        if text is not None:
            return _names_in(text, path)
    return ()


def _names_in(text: str, path: str) -> tuple[OfferedVariable, ...]:
    found: dict[str, OfferedVariable] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _ASSIGNMENT.match(line)
        if match and len(found) < MOST_NAMES:
            found.setdefault(match[1], OfferedVariable(match[1], f"{path}:{number}"))
    return tuple(found.values())
