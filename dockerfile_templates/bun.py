"""Bun as the runtime: a start command or a source that is Bun's own, whatever installs the packages."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from dockerfile_templates.node_basis import is_application, node_basis
from domain import Kind, Plan
from workspace import Workspace, commands, listening, node_entry, node_facts, node_packages
from workspace.facts import Fact, table
from workspace.toolchains import Toolchain

NAME = "bun"

_PROGRAMS = ("index", "server", "app", "main", "src/index", "src/server", "src/app", "src/main")
_SUFFIXES = (".ts", ".tsx", ".js", ".mjs")
_OWN = r"\bBun\.(?:serve|file|env|listen)\b|from\s+['\"]bun(?::\w+)?['\"]|from\s+['\"]elysia['\"]"
_PORTS = (
    r"(?:env\.PORT|env\[['\"]PORT['\"]\])\s*\)?\s*(?:\|\||\?\?)\s*['\"]?(\d{2,5})",
    r"\bport\s*[:=]\s*(\d{2,5})\b",
    r"\.listen\(\s*(\d{2,5})",
)
_LISTENS = r"Bun\.serve|\.listen\(|export\s+default\s+(?:app|\{)|\bserve\s*\(|createServer"


def matches(workspace: Workspace) -> bool:
    """Whether the start command calls Bun, or nothing else could run what is there."""
    return is_application(workspace) and _start(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Install with the repository's package manager, build if there is a build script, start with Bun."""
    start = _start(workspace)
    assert start is not None, "plan() follows matches()"  # noqa: S101
    basis = node_basis(workspace)
    reasons = {entry.field: Fact(entry.value, entry.source) for entry in basis.evidence}
    manager = Fact(basis.manager.name, basis.manager.source)
    is_elysia = node_facts.first_dependency(workspace, "elysia", "hono")
    build = reasons.get("build")
    package = basis.manager.package if basis.manager.name == "bun" else "bun@1"
    return plan_of(
        workspace,
        Draft(
            name=NAME,
            kind=Kind.BUN,
            toolchain=Toolchain("bun", manager, reasons["version"], basis.warnings),
            source=start.source,
            start=start,
            framework=Fact(is_elysia, f"{is_elysia} in package.json") if is_elysia else None,
            install=reasons["install"],
            build=build,
            port=_port(workspace),
            default_port=3000,
            args={
                **{name: value for name, value in basis.build_args.items() if name != "PACKAGE_MANAGER"},
                "BUN": package,
                "PACKAGE_MANAGER": "" if basis.manager.name == "bun" else basis.manager.package,
                "BUILD": build.value if build else "",
            },
        ),
    )


def _start(workspace: Workspace) -> Fact | None:
    """A start that is Bun's: the script's own text, or the entry file where no script starts anything."""
    script = node_facts.scripts(workspace).get("start", "").strip()
    if script:
        return _from_script(workspace, script)
    if node_packages.package_manager(workspace).name != "bun" or workspace.exists("index.html"):
        return None
    manifest = table(workspace.json("package.json"))
    named = [value for value in (manifest.get("module"), manifest.get("main")) if isinstance(value, str)]
    usual = [f"{name}{suffix}" for name in _PROGRAMS for suffix in _SUFFIXES]
    for path in (*(value.removeprefix("./") for value in named), *usual):
        if re.fullmatch(r"[\w./-]+", path) and path.endswith(_SUFFIXES) and workspace.exists(path):
            return Fact(f"bun {path}", "module in package.json" if path in named else "a file of a usual name")
    return None


def _from_script(workspace: Workspace, script: str) -> Fact | None:
    called = {"bun", "bunx"} & set(commands.programs(script))
    if not called or node_entry.is_dev_server(script):
        return None
    other = re.fullmatch(r"bun (?:run )?([\w:-]+)", script)
    if other and other[1] in node_facts.scripts(workspace):
        return None
    framework = node_facts.first_dependency(workspace, "next", "nuxt", "@nestjs/core", "@remix-run/serve", "astro")
    if framework and not re.search(r"\.[cm]?[jt]sx?\b", script):
        return None
    return Fact(re.sub(r"\s--(?:hot|watch)\b", "", script), "scripts.start in package.json")


def _port(workspace: Workspace) -> Fact | None:
    paths = listening.sources(workspace, ".ts", ".tsx", ".js", ".mjs")
    if listening.first_mention(workspace, paths, _LISTENS) is None:
        return None
    return listening.port_in(workspace, paths, *_PORTS) or Fact("3000", "usual for Bun")
