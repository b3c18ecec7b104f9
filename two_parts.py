"""Repositories of two parts: a front end and a back end in folders side by side become one deployment of two containers."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dockerfile_templates import detect
from domain import Evidence, Kind, Part, Plan, PlanWarning
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace, commands, node_facts, open_folder

STRATEGY = "two-part"
FRONT = ("frontend", "front-end", "front", "client", "web", "webapp", "ui", "site")
BACK = ("backend", "back-end", "back", "server", "api", "service")
API_NAMES = ("VITE_API_URL", "NEXT_PUBLIC_API_URL", "REACT_APP_API_URL")
"""Variables that a front end's build is given the back end's address in, besides those that its files name."""

_PLACES = ("", "apps/")
_API_NAME = re.compile(
    r"\b(?:VITE|NEXT_PUBLIC|REACT_APP|NUXT_PUBLIC|PUBLIC|VUE_APP|GATSBY|EXPO_PUBLIC)_"
    r"(?:\w*_)?(?:API|BACKEND|SERVER)(?:_(?:BASE|ROOT|SERVER|HOST|BACKEND))?_?(?:URL|URI|BASE|ENDPOINT|ORIGIN)\b"
)
_READS_NAMES = (".env*", "vite.config.*", "**/*.{js,jsx,ts,tsx,mjs,vue,svelte,astro}")
_MOST_FILES = 300
_RUNNERS = {"concurrently", "run-p", "run-s", "npm-run-all", "lerna", "turbo", "nx", "wsrun", "ultra"}
_FILES_OR_PAGES = (Kind.SPA, Kind.STATIC, Kind.NEXTJS)
_MANIFESTS = ("package.json", "requirements.txt", "pyproject.toml", "go.mod", "Cargo.toml", "Gemfile", "pom.xml")

Planned = Callable[[Workspace], Plan]


@dataclass(frozen=True)
class _Found:
    folder: str
    plan: Plan


def plan(workspace: Workspace, planned: Planned) -> Plan | None:
    """The plan of a repository of two parts; None where it is not one. `planned` plans one part's folder."""
    for place in _PLACES:
        pair = _pair(workspace, place, planned)
        if pair is not None and not _is_one_application(workspace, pair):
            return _together(workspace, place, *pair)
    return None


def moved(plan: Plan, folder: str) -> Plan:
    """The plan of an inner folder, its paths told from the outer one."""

    def outer(path: str | None) -> str | None:
        return None if path is None else posixpath.normpath(posixpath.join(folder, path))

    return replace(
        plan,
        context=outer(plan.context) or ".",
        dockerfile_path=outer(plan.dockerfile_path),
        compose_file=outer(plan.compose_file),
        parts=tuple(replace(part, plan=moved(part.plan, folder)) for part in plan.parts),
    )


def service_of(folder: str) -> str:
    """What the part in a folder is called on its network."""
    return re.sub(r"[^a-z0-9-]", "-", posixpath.basename(folder).lower()).strip("-") or "app"


def _pair(workspace: Workspace, place: str, planned: Planned) -> tuple[_Found, _Found] | None:
    """The one front end and the one back end of a place, both with a plan of their own."""
    fronts = [f"{place}{name}" for name in FRONT if workspace.is_dir(f"{place}{name}")]
    backs = [f"{place}{name}" for name in BACK if workspace.is_dir(f"{place}{name}")]
    if not fronts or not backs:
        return None
    front = [found for folder in fronts if (found := _found(workspace, folder, planned))]
    back = [found for folder in backs if (found := _found(workspace, folder, planned))]
    back = [found for found in back if found.plan.kind not in _FILES_OR_PAGES and found.plan.expects_http]
    is_clear = len(front) == 1 and len(back) == 1 and front[0].plan.expects_http
    return (front[0], back[0]) if is_clear else None


def _found(workspace: Workspace, folder: str, planned: Planned) -> _Found | None:
    inner = open_folder(workspace.checkout, f"{workspace.subdirectory}/{folder}".strip("/"))
    if _needs_its_workspace(inner):
        return None
    try:
        made = planned(inner)
    except DeploymentFailed as error:
        if error.code is Code.BUTLER_FILE_INVALID:
            raise
        return None
    is_single = made.kind not in (Kind.COMPOSE, Kind.MONOREPO) and not made.parts and not made.processes
    return _Found(folder, moved(made, folder)) if is_single else None


def _needs_its_workspace(workspace: Workspace) -> bool:
    """Whether a package depends on its neighbours in the repository, so that it cannot be built by itself."""
    manifest = workspace.json("package.json") or {}
    tables = (manifest.get("dependencies"), manifest.get("devDependencies"))
    entries = [value for table in tables if isinstance(table, dict) for value in table.values()]
    return any(isinstance(value, str) and value.startswith(("workspace:", "file:..", "link:..")) for value in entries)


def _is_one_application(workspace: Workspace, pair: tuple[_Found, _Found]) -> bool:
    """Whether the top says itself how all of it is started, other than by starting the parts side by side."""
    try:
        whole = detect(workspace)
    except DeploymentFailed:
        return False
    if whole.kind is Kind.MONOREPO or whole.context in {found.folder for found in pair}:
        return False
    if whole.kind is Kind.STATIC and not workspace.exists("index.html"):
        return False
    start = node_facts.scripts(workspace).get("start", "")
    return not (_RUNNERS & set(commands.programs(start)))


def _together(workspace: Workspace, place: str, front: _Found, back: _Found) -> Plan:
    names = (service_of(front.folder), service_of(back.folder))
    api_names = _api_names(workspace, front)
    evidence = [
        Evidence("strategy", STRATEGY, f"{front.folder}/ and {back.folder}/ side by side"),
        Evidence("main_service", names[0], f"{front.folder}/ is the front end"),
        *(Evidence("api_variable", name, source) for name, source in api_names.items()),
    ]
    for name, found in zip(names, (front, back), strict=True):
        evidence += [replace(item, field=f"{name}.{item.field}") for item in found.plan.evidence]
    if front.plan.port:
        evidence.append(Evidence("port", str(front.plan.port), f"port of {names[0]}"))
    frameworks = [found.plan.framework or str(found.plan.kind) for found in (front, back)]
    evidence.append(Evidence("framework", " + ".join(frameworks), f"{front.folder}/ and {back.folder}/"))
    return Plan(
        strategy=STRATEGY,
        kind=Kind.MONOREPO,
        framework=" + ".join(frameworks),
        port=front.plan.port,
        services=names,
        main_service=names[0],
        parts=(Part(names[0], front.plan, tuple(api_names)), Part(names[1], back.plan)),
        declared=(*front.plan.declared, *back.plan.declared),
        evidence=tuple(evidence),
        warnings=(*front.plan.warnings, *back.plan.warnings, *_warnings(workspace, place, front, back)),
        candidates=(f"{front.folder}/", f"{back.folder}/"),
    )


def _api_names(workspace: Workspace, front: _Found) -> dict[str, str]:
    """Variables that the front end's files read the back end's address from, and where."""
    found: dict[str, str] = {}
    for path in _texts(workspace, front.folder):
        for name in _API_NAME.findall(workspace.read_text(path) or ""):
            found.setdefault(name, path)
    usual = {name: "usual name for the back end's address" for name in API_NAMES if name not in found}
    return {**found, **usual}


def _texts(workspace: Workspace, folder: str) -> Iterator[str]:
    paths = [path for pattern in _READS_NAMES for path in workspace.glob(f"{folder}/{pattern}")]
    yield from list(dict.fromkeys(paths))[:_MOST_FILES]


def _warnings(workspace: Workspace, place: str, front: _Found, back: _Found) -> Iterator[PlanWarning]:
    proxy = next(iter(workspace.glob(f"{front.folder}/vite.config.*")), None)
    config = workspace.read_text(proxy) or "" if proxy else ""
    if re.search(r"\bproxy\s*:", config) or "proxy" in (workspace.json(f"{front.folder}/package.json") or {}):
        source = proxy or f"{front.folder}/package.json"
        yield PlanWarning(
            "dev-proxy-is-not-there",
            f"The proxy in {source} works in development only: paths such as /api do not reach the back end.",
            "Call the back end by its address, from VITE_API_URL, NEXT_PUBLIC_API_URL or REACT_APP_API_URL.",
        )
    parts = {front.folder, back.folder}
    tops = {posixpath.dirname(path) for name in _MANIFESTS for path in workspace.glob(f"{place}*/{name}")}
    others = sorted(tops - parts - {place.rstrip("/")})
    if others:
        message = f"Only {front.folder}/ and {back.folder}/ are deployed, not {', '.join(others)}."
        yield PlanWarning("folders-not-deployed", message, "Deploy them as apps of their own by their subdirectory.")
