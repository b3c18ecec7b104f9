"""A Procfile's start command that names a compiled program the way another host lays it out, told for our own image."""

from __future__ import annotations

import re
from dataclasses import replace

from dockerfile_templates.python_basis import procfile_start
from workspace import Workspace, commands, procfile
from workspace.facts import Fact

_BUILDS_AND_RUNS = re.compile(
    r"^\s*(?:go\s+run\s+\S+|cargo\s+run(?:\s+(?:--release|-r|--bin\s+\S+|-p\s+\S+|--quiet|-q))*(?:\s+--(?=\s|$))?)"
)
_PLACE = re.compile(r"^(?:\./|/app/|\$HOME/)?(?:(?:target/(?:release|debug)|bin|build|dist|out)/)?")
_TOOLS = frozenset(("sh", "bash", "env", "make", "echo", "true", "false", "node", "npm", "python", "python3", "java"))


def program_name(workspace: Workspace) -> str | None:
    """What the Procfile calls the program, where the command starts with it; None where that cannot be told."""
    command = procfile.processes(workspace).get("web", "")
    first = (commands.programs(command) or ("",))[0]
    name = _PLACE.sub("", first)
    return name if re.fullmatch(r"[A-Za-z0-9][\w.-]*", name) and name not in (*_TOOLS, "go", "cargo") else None


def told_for(workspace: Workspace, program: str) -> Fact | None:
    """The Procfile's start with our program in the place of its own; None without a Procfile."""
    start = procfile_start(workspace)
    if start is None:
        return None
    parts = re.split(r"(\s*&&\s*)", start.value)
    return replace(start, value="".join(_told(part, program) for part in parts))


def _told(part: str, program: str) -> str:
    builds = _BUILDS_AND_RUNS.match(part)
    if builds:
        return f"{program}{part[builds.end() :]}"
    words = part.split(" ")
    for place, word in enumerate(words):
        if "=" in word and "/" not in word.partition("=")[0]:
            continue  # a variable before the program
        if word and _PLACE.sub("", word) == program:
            words[place] = program
        break
    return " ".join(words)
