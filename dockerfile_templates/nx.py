"""Nx repositories whose projects have no package.json: the default project, by its build target (part of monorepo)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dockerfile_templates import templates
from dockerfile_templates.node_basis import node_basis
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, commands, listening, node_workspaces
from workspace.facts import Fact, table, text_table

_NAMES = ("web", "frontend", "website", "www", "site", "app")
_FRAMEWORKS = {"next": "nextjs", "angular": "angular", "vite": "vite", "web": "react", "react": "react", "node": "node"}
_FRAMEWORKS |= {"webpack": "node", "esbuild": "node", "js": "node", "nest": "nestjs", "angular-devkit": "angular"}
_PORTS = (
    r"env\.(?:PORT|port)\s*\)?\s*(?:\|\||\?\?)\s*['\"]?(\d{2,5})",
    r"\.listen\(\s*(\d{2,5})",
    r"\bport\s*[:=]\s*(\d{4,5})\b",
)


@dataclass(frozen=True)
class Project:
    """A project of Nx's: its folder and build target."""

    name: str
    folder: str
    executor: str
    output: str
    has_production: bool
    source: str


def project(workspace: Workspace) -> Project | None:
    """The project that is deployed: the default one, the only application, or the one that is called like a site."""
    if workspace.json("nx.json") is None:
        return None
    every = {entry.name: entry for entry in _projects(workspace)}
    default = text_table(workspace.json("nx.json")).get("defaultProject")
    if default in every:
        return every[default or ""]
    if len(every) == 1:
        return next(iter(every.values()))
    return next((every[name] for name in _NAMES if name in every), None)


def plan(workspace: Workspace) -> Plan:
    """Build with Nx, start what the build wrote."""
    chosen = project(workspace)
    assert chosen is not None, "plan() follows project()"  # noqa: S101
    basis = node_basis(workspace)
    told = _told(workspace, chosen, basis.manager.execute)
    others = tuple(f"{entry.folder}/" for entry in _projects(workspace) if entry != chosen)
    needs_source = node_workspaces.why_install_needs_source(workspace)
    is_site = told["start"].value.startswith("static server")
    args = {
        **basis.build_args,
        "INSTALL_FROM": "source" if needs_source else "workspaces",
        "BUILD": told["build"].value,
    }
    args["BUTLER_PORT"] = told["port"].value
    if is_site:
        args |= {"OUTPUT": chosen.output, "BUTLER_SPA": "1"}
    else:
        args |= {"RUN_FROM": "built", "PRUNE": "", "BUTLER_START": commands.executable(told["start"].value)}
    return Plan(
        strategy="monorepo",
        kind=Kind.MONOREPO,
        framework=told["framework"].value,
        language="node",
        version=basis.version,
        package_manager=basis.manager.name,
        install=basis.manager.install,
        build=told["build"].value,
        start=told["start"].value,
        port=int(told["port"].value),
        dockerfile=templates.dockerfile("spa" if is_site else "node"),
        build_args=args,
        evidence=(
            *(fact.evidence(name) for name, fact in told.items()),
            *(entry for entry in basis.evidence if entry.field != "build"),
        ),
        warnings=(*basis.warnings, *_warnings(chosen, others)),
        candidates=others,
    )


def _told(workspace: Workspace, chosen: Project, execute: str) -> dict[str, Fact]:
    """What the project's files say, by the plan's fields."""
    tool = chosen.executor.partition(":")[0].rpartition("/")[2]
    framework = _FRAMEWORKS.get(tool, "node")
    is_site = framework in ("angular", "vite", "react")
    target = ":build:production" if chosen.has_production else ":build"
    return {
        "strategy": Fact("monorepo", "nx.json"),
        "application": Fact(f"{chosen.folder}/", chosen.source),
        "framework": Fact(framework, f"targets.build.executor in {chosen.source}"),
        "build": Fact(f"{execute} nx run {chosen.name}{target}", f"targets.build in {chosen.source}"),
        "start": _start(chosen, framework, is_site=is_site),
        "port": _port(workspace, chosen, framework, is_site=is_site),
    }


def _projects(workspace: Workspace) -> list[Project]:
    """The applications that Nx can build."""
    found = []
    for path in (*workspace.glob("apps/*/project.json"), *workspace.glob("*/project.json")):
        document = table(workspace.json(path))
        folder = path.removesuffix("/project.json")
        targets = table(document.get("targets"))
        build = table(targets.get("build"))
        name = document.get("name", folder.rpartition("/")[2])
        is_application = document.get("projectType", "application") == "application" and not folder.endswith("-e2e")
        executor = build.get("executor")
        if not is_application or not isinstance(executor, str) or not re.fullmatch(r"[\w-]+", str(name)):
            continue
        output = text_table(build.get("options")).get("outputPath", f"dist/{folder}")
        output = output if re.fullmatch(r"[\w./-]+", output) and ".." not in output else f"dist/{folder}"
        production = "production" in table(build.get("configurations"))
        found.append(Project(str(name), folder, executor, output, production, path))
    return found


def _start(chosen: Project, framework: str, *, is_site: bool) -> Fact:
    source = f"targets.build in {chosen.source}"
    if is_site:
        return Fact(f"static server on {chosen.output}/", source)
    if framework == "nextjs":
        return Fact(f"next start {chosen.output} -H 0.0.0.0 -p $PORT", source)
    return Fact(f"node {chosen.output}/main.js", source)


def _port(workspace: Workspace, chosen: Project, framework: str, *, is_site: bool) -> Fact:
    if is_site:
        return Fact("8080", "our static server")
    if framework == "nextjs":
        return Fact("3000", "usual for Next.js")
    sources = [path for path in listening.sources(workspace, ".ts", ".js") if path.startswith(f"{chosen.folder}/")]
    return listening.port_in(workspace, sources, *_PORTS) or Fact("3000", "default: PORT is set to it")


def _warnings(chosen: Project, others: tuple[str, ...]) -> tuple[PlanWarning, ...]:
    if not others:
        return ()
    message = f"The repository has several applications; {chosen.folder}/ is deployed, not {', '.join(others[:8])}."
    return (PlanWarning("several-applications", message, "Set defaultProject in nx.json to deploy another."),)
