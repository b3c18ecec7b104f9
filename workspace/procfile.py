"""The processes that a Procfile names."""

from __future__ import annotations

import re

from workspace.tree import Workspace

_MOST_BYTES = 64 * 1024
_LINE = re.compile(r"^([A-Za-z0-9_-]+)\s*:\s*(\S.*?)\s*$")


def processes(workspace: Workspace) -> dict[str, str]:
    """Each process's command by its name; junk lines and comments are passed over, the first of a name counts."""
    found: dict[str, str] = {}
    for line in (workspace.read_text("Procfile", _MOST_BYTES) or "").splitlines():
        match = _LINE.match(re.split(r"\s#", line)[0])
        if match and not line.lstrip().startswith("#"):
            found.setdefault(match[1], match[2])
    return found
