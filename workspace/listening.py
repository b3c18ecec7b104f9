"""Finding in sources of any language where a program listens, with file and line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workspace.facts import Fact
from workspace.tree import Workspace

_SOURCE_BYTES = 200_000
_MOST_FILES = 150
_LIKELY = re.compile(r"(?:main|app|server|http|web|config|options|listen|start|cmd|api)", re.IGNORECASE)


def sources(workspace: Workspace, *suffixes: str) -> list[str]:
    """The files of a language, those near the root first, tests and examples left out."""
    skipped = re.compile(r"(^|/)(tests?|spec|vendor|examples?|docs?|target|build|_build|deps|node_modules)/|[._]test\.")
    found = [path for path in workspace.files() if path.endswith(suffixes) and not skipped.search(path)]
    if len(found) > _MOST_FILES:
        found = sorted(found, key=lambda path: (path.count("/") > 1 and not _LIKELY.search(path), path.count("/")))
    return sorted(found[:_MOST_FILES], key=lambda path: (path.count("/"), path))


def port_in(workspace: Workspace, paths: Sequence[str], *patterns: str) -> Fact | None:
    """The number in the first group of the first pattern that any of these files has."""
    for pattern in patterns:
        for path in paths:
            text = workspace.read_text(path, _SOURCE_BYTES) or ""
            for found in re.finditer(pattern, text, re.MULTILINE):
                number = next((group for group in found.groups() if group), "")
                if number.isdecimal() and 0 < int(number) < 65536:
                    return Fact(str(int(number)), f"{path}:{text.count(chr(10), 0, found.start()) + 1}")
    return None


def first_mention(workspace: Workspace, paths: Sequence[str], pattern: str) -> Fact | None:
    """Where any of these files first says something: the text that matched, and file and line."""
    for path in paths:
        text = workspace.read_text(path, _SOURCE_BYTES) or ""
        found = re.search(pattern, text, re.MULTILINE)
        if found:
            return Fact(found[0], f"{path}:{text.count(chr(10), 0, found.start()) + 1}")
    return None
