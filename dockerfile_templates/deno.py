"""Deno: its `start` task, else the program that its configuration or a usual name points to."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from domain import Kind, Plan
from workspace import Workspace, listening, node_entry, node_facts, toolchains
from workspace.facts import Fact, table, text_table

NAME = "deno"

_PROGRAMS = ("main", "server", "app", "index", "mod", "dev")
_PORTS = (
    r"PORT['\"]\s*\)\s*(?:\?\?|\|\|)\s*['\"]?(\d{2,5})",
    r"\bport\s*[:=]\s*(\d{2,5})\b",
    r"\.listen\(\s*(\d{2,5})",
)
_LISTENS = r"Deno\.serve|\bserve\(|\.listen\(|Deno\.listen|start\(manifest|new App\(|dev\(import\.meta"
_WATCHING = re.compile(r"\s--watch(?:=\S+)?")


def matches(workspace: Workspace) -> bool:
    """Whether it is Deno's, and has something to start; a package.json with a start of its own is Node.js's."""
    if toolchains.deno(workspace) is None or _start(workspace) is None:
        return False
    start = node_facts.scripts(workspace).get("start", "")
    return not start or "deno" in start


def plan(workspace: Workspace) -> Plan:
    """Cache what the program imports, then run it with the rights that its task asks for."""
    toolchain = toolchains.deno(workspace)
    start = _start(workspace)
    assert toolchain is not None and start is not None, "plan() follows matches()"  # noqa: S101
    program = next((w for w in reversed(start.value.split()) if workspace.exists(w)), None) or _program(workspace)
    build = (
        Fact("deno task build", "tasks.build in " + _configuration(workspace)) if "build" in _tasks(workspace) else None
    )
    fresh = listening.first_mention(
        workspace, [_configuration(workspace), "fresh.gen.ts", "import_map.json"], r"\bfresh\b"
    )
    return plan_of(
        workspace,
        Draft(
            name=NAME,
            kind=Kind.DENO,
            toolchain=toolchain,
            source=toolchain.manager.source,
            start=start,
            framework=Fact("fresh", fresh.source) if fresh else None,
            install=Fact(f"deno cache {program}", program) if program else None,
            build=build,
            port=_port(workspace, is_fresh=fresh is not None),
            default_port=8000,
            args={
                "DENO_VERSION": toolchain.version.value,
                "INSTALL": f"deno cache {program}" if program else "",
                "BUILD": build.value if build else "",
            },
        ),
    )


def _configuration(workspace: Workspace) -> str:
    return "deno.json" if workspace.exists("deno.json") else "deno.jsonc"


def _tasks(workspace: Workspace) -> dict[str, str]:
    """The commands of the tasks, which are written as text or as an object."""
    tasks = table(table(workspace.json(_configuration(workspace))).get("tasks"))
    long_form = {name: text_table(value).get("command", "") for name, value in tasks.items() if isinstance(value, dict)}
    return {**text_table(tasks), **long_form}


def _start(workspace: Workspace) -> Fact | None:
    tasks = _tasks(workspace)
    for name in ("start", "serve", "preview"):
        text = tasks.get(name, "").strip()
        if text and not (_WATCHING.search(text) and name != "start") and not node_entry.is_dev_server(text):
            simple = text.startswith("deno ") and not re.search(r"[;&|<>$`]|\bdeno task\b", text)
            command = _WATCHING.sub("", text) if simple else f"deno task {name}"
            return Fact(command, f"tasks.{name} in {_configuration(workspace)}")
    program = _program(workspace)
    return Fact(f"deno run -A {program}", "a file of a usual name") if program else None


def _program(workspace: Workspace) -> str | None:
    for folder in ("", "src/"):
        for name in _PROGRAMS:
            for suffix in (".ts", ".tsx", ".js", ".mjs"):
                if workspace.exists(f"{folder}{name}{suffix}"):
                    return f"{folder}{name}{suffix}"
    return None


def _port(workspace: Workspace, *, is_fresh: bool) -> Fact | None:
    paths = listening.sources(workspace, ".ts", ".tsx", ".js", ".mjs")
    literal = listening.port_in(workspace, paths, *_PORTS)
    if is_fresh:
        return literal or Fact("8000", "usual for Fresh")
    listens = listening.first_mention(workspace, paths, _LISTENS)
    return (literal or Fact("8000", "usual for Deno")) if listens else None
