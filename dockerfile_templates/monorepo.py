"""A JavaScript repository of several packages: installed at its root, one application of it built and started."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from dockerfile_templates import bun, nextjs, node, nx, spa, templates
from dockerfile_templates.node_basis import node_basis
from domain import Evidence, Kind, Plan, PlanWarning
from workspace import Workspace, commands, node_facts, node_workspaces
from workspace.node_workspaces import Package

NAME = "monorepo"

_NAMES = ("web", "frontend", "website", "www", "site", "app", "main")
_OWN_PROGRAMS = "PATH=$PWD/node_modules/.bin:$PATH "
_ROOT_FILE = re.compile(
    r"(?<![\w/.-])\.?[\w-]+(?:\.[\w-]+)*\.(?:json|ya?ml|lockb?|toml)\b|(?<![\w/])\.(?:nvmrc|node-version|tool-versions)\b"
)
_PARTS = (nextjs, spa, bun, node)


@dataclass(frozen=True)
class _Application:
    package: Package
    plan: Plan


def matches(workspace: Workspace) -> bool:
    """Whether the root holds packages, starts nothing itself, and one of them is clearly the site."""
    if node_workspaces.enclosing(workspace) is not None:
        return _inner_plan(workspace) is not None
    if not node_workspaces.is_root_of_several(workspace):
        return False
    return nx.project(workspace) is not None or _chosen(workspace, _applications(workspace)) is not None


def plan(workspace: Workspace) -> Plan:
    """The application's own plan, its commands told from the root."""
    if node_workspaces.enclosing(workspace) is not None:
        return _of_member(workspace)
    if nx.project(workspace) is not None:
        return nx.plan(workspace)
    every = _applications(workspace)
    application = _chosen(workspace, every)
    assert application is not None, "plan() follows matches()"  # noqa: S101
    others = tuple(f"{entry.package.folder}/" for entry in every if entry is not application)
    return _from_root(workspace, application, others)


def _of_member(workspace: Workspace) -> Plan:
    """The plan of a folder that is one package of several: installed and built from their root, told from the folder."""
    enclosing, inner = node_workspaces.enclosing(workspace), _inner_plan(workspace)
    assert enclosing is not None and inner is not None, "plan() follows matches()"  # noqa: S101
    root, package = enclosing
    made = _from_root(root, _Application(package, inner), ())
    above = "/".join([".."] * len(package.folder.split("/")))
    reason = Evidence("context", above, f"{package.folder}/ is one of the packages of {above}/package.json")
    kept = [entry for entry in inner.evidence if entry.field in ("strategy", "framework", "port")]
    fields = {"strategy", "application", "framework", "port"}
    told = [
        replace(entry, source=_from_member(entry.source, package.folder, above))
        for entry in made.evidence
        if entry.field not in fields
    ]
    place = f"/app/{package.folder}"
    start = (made.start or "").removeprefix(f"cd {package.folder} && ").removeprefix(_OWN_PROGRAMS)
    told = [replace(entry, value=start) if entry.field == "start" else entry for entry in told]
    is_site = inner.kind is Kind.SPA
    return replace(
        made,
        strategy=inner.strategy,
        kind=inner.kind,
        context=above,
        start=start,
        # What anybody else lets it run is meant for the folder as well.
        dockerfile=made.dockerfile
        if is_site
        else f"{made.dockerfile}WORKDIR {place}\nENV PATH={place}/node_modules/.bin:$PATH\n",
        build_args={**made.build_args, **({} if is_site else {"BUTLER_START": commands.executable(start)})},
        candidates=(),
        evidence=(*kept, *told, reason),
    )


def _from_member(source: str, folder: str, above: str) -> str:
    """A reason that names files from the root, told from the package's folder."""
    if f"{folder}/package.json" in source:
        return source.replace(f"{folder}/package.json", "package.json")
    return _ROOT_FILE.sub(lambda found: f"{above}/{found[0]}", source)


def _inner_plan(workspace: Workspace) -> Plan | None:
    """What the folder would be by itself."""
    strategy = next((strategy for strategy in _PARTS if strategy.matches(workspace)), None)
    return strategy.plan(workspace) if strategy else None


def _applications(workspace: Workspace) -> list[_Application]:
    """The packages that would be sites by themselves."""
    found = []
    for package in node_workspaces.packages(workspace):
        made = _inner_plan(node_workspaces.inside(workspace, package.folder))
        if made and made.expects_http and not package.folder.startswith(("examples/", "tests/", "e2e/")):
            found.append(_Application(package, made))
    return found


def _chosen(workspace: Workspace, applications: list[_Application]) -> _Application | None:
    """The one that the root starts, the only one, or the one named like a site; None where a person must choose."""
    handed_to = node_workspaces.delegate(workspace)
    if handed_to is not None:
        return next((entry for entry in applications if entry.package.folder == handed_to), None)
    if len(applications) == 1:
        return applications[0]
    for name in _NAMES:
        named = [entry for entry in applications if entry.package.folder.rpartition("/")[2] == name]
        if len(named) == 1:
            return named[0]
    return None


def _from_root(workspace: Workspace, application: _Application, others: tuple[str, ...]) -> Plan:
    inner, package = application.plan, application.package
    basis = node_basis(workspace)
    asked = node_facts.asked_version(workspace) or not node_facts.asked_version(
        node_workspaces.inside(workspace, package.folder)
    )
    version = basis.version if asked else inner.version
    build = node_workspaces.build_command(workspace, package, basis.manager.run, basis.manager.execute)
    is_site = inner.kind is Kind.SPA
    start = inner.start if is_site else _start(inner, package, basis.manager.run)
    args = {
        **{name: value for name, value in inner.build_args.items() if name not in ("RUN_FROM", "PRUNE")},
        **basis.build_args,
        "NODE_IMAGE": f"node:{version}-slim",
        "INSTALL_FROM": "source" if node_workspaces.why_install_needs_source(workspace) else "workspaces",
        "BUILD": build or "",
    }
    if is_site:
        args["OUTPUT"] = f"{package.folder}/{inner.build_args['OUTPUT']}"
        start = f"static server on {args['OUTPUT']}/"
    else:
        tools = basis.manager.package if basis.manager.name in (start or "").split() else ""
        args |= {"BUTLER_START": commands.executable(start or ""), "GLOBAL_PACKAGES": tools}
        args |= {"RUN_FROM": "built", "PRUNE": ""} if inner.kind is not Kind.BUN else {"BUN": args.get("BUN", "bun@1")}
    return replace(
        inner,
        strategy=NAME,
        kind=Kind.MONOREPO,
        version=version,
        package_manager=basis.manager.name,
        install=basis.manager.install,
        build=build,
        start=start,
        dockerfile=templates.dockerfile("spa" if is_site else "bun" if inner.kind is Kind.BUN else "node"),
        build_args=_known(args, "spa" if is_site else "bun" if inner.kind is Kind.BUN else "node"),
        evidence=_evidence(workspace, application, basis.evidence, build, start),
        warnings=(*basis.warnings, *_kept(inner), *_choice(package, others)),
        candidates=others,
    )


def _start(inner: Plan, package: Package, run: str) -> str:
    """The application's start, in its folder, with its own programs on the path."""
    start = inner.start or ""
    own = f"{inner.package_manager} run "
    start = start.replace(own, f"{run} ", 1) if start.startswith(own) else start
    if start == "node server.js" and inner.kind is Kind.NEXTJS:
        start = "next start -H 0.0.0.0 -p $PORT"
    if start.startswith(f"{run} "):
        return f"cd {package.folder} && {start}"
    return f"cd {package.folder} && {_OWN_PROGRAMS}{start}"


def _known(args: dict[str, str], template: str) -> dict[str, str]:
    """Only what the template declares: the parts' templates differ in a few arguments."""
    text = templates.dockerfile(template)
    return {name: value for name, value in args.items() if f"ARG {name}" in text}


def _kept(inner: Plan) -> tuple[PlanWarning, ...]:
    about_installing = ("no-lockfile", "lockfile-out-of-sync", "several-lockfiles", "version-unavailable")
    return tuple(warning for warning in inner.warnings if warning.code not in about_installing)


def _evidence(
    workspace: Workspace, application: _Application, root: tuple[Evidence, ...], build: str | None, start: str | None
) -> tuple[Evidence, ...]:
    folder = application.package.folder
    told = [
        replace(entry, source=entry.source.replace("package.json", f"{folder}/package.json"))
        for entry in application.plan.evidence
        if entry.field in ("framework", "port")
    ]
    where = "turbo.json" if workspace.exists("turbo.json") else "workspaces of package.json"
    reasons = [Evidence("strategy", NAME, where), Evidence("application", f"{folder}/", "the site among the packages")]
    if build:
        reasons.append(Evidence("build", build, f"scripts.build in {folder}/package.json"))
    if start:
        source = next((e.source for e in application.plan.evidence if e.field == "start"), "package.json")
        reasons.append(Evidence("start", start, source.replace("package.json", f"{folder}/package.json")))
    return (*reasons, *told, *(entry for entry in root if entry.field not in ("build", "start")))


def _choice(package: Package, others: tuple[str, ...]) -> tuple[PlanWarning, ...]:
    if not others:
        return ()
    message = f"The repository has several applications; {package.folder}/ is deployed, not {', '.join(others)}."
    return (PlanWarning("several-applications", message, "Deploy another by giving its folder as the subdirectory."),)
