"""A shell script that is the whole application: start.sh, or what a Procfile names."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from domain import Kind, Plan
from workspace import Workspace, procfile
from workspace.facts import Fact
from workspace.toolchains import Toolchain

NAME = "shell"

_SHELLS = ("sh", "bash", "dash")


def matches(workspace: Workspace) -> bool:
    """Whether there is a script to start and no page, which would be a site's."""
    return _script(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Run the script with the shell of its first line."""
    script = _script(workspace)
    assert script is not None, "plan() follows matches()"  # noqa: S101
    first = (workspace.read_text(script.value, 4096) or "").partition("\n")[0]
    shell = re.match(r"#!\s*(?:/usr)?/bin/(?:env\s+)?(\w+)", first)
    name = shell[1] if shell and shell[1] in _SHELLS else "sh"
    nobodys = Toolchain(name, Fact("", ""), Fact("", ""))
    return plan_of(
        workspace,
        Draft(NAME, Kind.SHELL, nobodys, script.source, Fact(f"{name} {script.value}", script.source)),
    )


def _script(workspace: Workspace) -> Fact | None:
    web = procfile.processes(workspace).get("web", "")
    named = re.match(r"^(?:ba|da)?(?:sh\s+)?\.?/?([\w./-]+\.sh)\b", web)
    if named and workspace.exists(named[1]):
        return Fact(named[1], "web in Procfile")
    return Fact("start.sh", "start.sh") if workspace.exists("start.sh") else None
