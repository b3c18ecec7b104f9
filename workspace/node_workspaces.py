"""The packages of a JavaScript repository with several, and the runner that builds them together."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workspace import commands, node_entry, node_facts
from workspace.facts import table, text_table
from workspace.tree import Workspace, open_folder

_MOST_PACKAGES = 60
_MOST_DEPTH = 8
_RUNNERS = {"turbo", "nx", "lerna", "moon", "concurrently", "run-p", "run-s", "npm-run-all", "wsrun", "ultra", "rush"}
_HANDED_TO = re.compile(
    r"(?:\bcd|(?<![\w-])-w|(?<![\w-])-F|(?<![\w-])-C|--workspace|--filter|--scope|--cwd|--prefix|--dir|\bworkspace)"
    r"[ =]['\"]?([@\w./-]+)"
)
_STARTS = re.compile(r"\b(?:start|serve)\b")
LOCKFILES = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb")
_FILES = ("turbo.json", "nx.json", "lerna.json", "rush.json", ".moon/workspace.yml", "pnpm-workspace.yaml")


@dataclass(frozen=True)
class Package:
    """One package: its folder, the name that its package.json gives it, its scripts and what it depends on."""

    folder: str
    name: str
    scripts: dict[str, str]
    dependencies: frozenset[str]


def is_root_of_several(workspace: Workspace) -> bool:
    """Whether the root is only what holds several packages together, and starts nothing by itself."""
    if not node_facts.has_package_json(workspace):
        return False
    if not node_facts.has_workspaces(workspace) and not any(workspace.exists(name) for name in _FILES):
        return False
    scripts = node_facts.scripts(workspace)
    start = scripts.get("start", "")
    if start and not node_entry.is_dev_server(start) and not _starts_all(start) and delegate(workspace) is None:
        return False
    build = scripts.get("build", "")
    builds_itself = bool(build) and not (_RUNNERS | {"pnpm", "yarn", "npm", "bun", "npx"}) & set(
        commands.programs(build)
    )
    return not builds_itself


def packages(workspace: Workspace) -> tuple[Package, ...]:
    """The packages that the root names, in the order of their folders."""
    found = []
    for folder in _folders(workspace)[:_MOST_PACKAGES]:
        manifest = table(workspace.json(f"{folder}/package.json"))
        name = manifest.get("name")
        needed = (manifest.get("dependencies"), manifest.get("devDependencies"))
        names = frozenset(name for entry in needed for name in text_table(entry))
        given = name if isinstance(name, str) and re.fullmatch(r"[@\w./-]+", name) else folder.rpartition("/")[2]
        found.append(Package(folder, given, text_table(manifest.get("scripts")), names))
    return tuple(found)


def starts_several(workspace: Workspace) -> bool:
    """Whether the root's start script starts several packages side by side, so that one of them must be chosen."""
    if not node_facts.has_workspaces(workspace) or not _starts_all(node_facts.scripts(workspace).get("start", "")):
        return False
    return sum("start" in package.scripts for package in packages(workspace)) > 1


def delegate(workspace: Workspace) -> str | None:
    """The folder of the one package that the root's start script hands over to (`npm start -w web`, `cd apps/web && ...`)."""
    start = node_facts.scripts(workspace).get("start", "")
    named = {name.removeprefix("./").removesuffix("...").rstrip("/") for name in _HANDED_TO.findall(start)}
    if not named or not _STARTS.search(start):
        return None
    found = {entry.folder for entry in packages(workspace) if {entry.folder, entry.name} & named}
    return found.pop() if len(found) == 1 else None


def enclosing(workspace: Workspace) -> tuple[Workspace, Package] | None:
    """The root that names this folder among its packages, and the folder as a package; None where it stands by itself.

    It does not where it needs a neighbour, or where only the root has a lockfile.
    """
    if not workspace.subdirectory or not node_facts.has_package_json(workspace):
        return None
    place = workspace.subdirectory
    while place:
        place = place.rpartition("/")[0]
        root = open_folder(workspace.checkout, place).telling(**workspace.told)
        folder = workspace.subdirectory.removeprefix(f"{place}/" if place else "")
        if not node_facts.has_workspaces(root):
            continue
        package = next((entry for entry in packages(root) if entry.folder == folder), None)
        return (root, package) if package and _belongs_to(root, package, workspace) else None
    return None


def _belongs_to(root: Workspace, package: Package, workspace: Workspace) -> bool:
    names = {entry.name for entry in packages(root)}
    has_lockfile = {place: any(place.exists(name) for name in LOCKFILES) for place in (root, workspace)}
    return bool(package.dependencies & names) or (has_lockfile[root] and not has_lockfile[workspace])


def why_install_needs_source(workspace: Workspace) -> str | None:
    """What makes the installation read more than the manifests of all packages; None when nothing does."""
    for folder in ("", *_folders(workspace)[:_MOST_PACKAGES]):
        inner = inside(workspace, folder) if folder else workspace
        reason = node_facts.why_install_needs_source(inner)
        is_neighbour = bool(reason) and ("workspaces in" in (reason or "") or _is_neighbour(inner))
        if reason and not is_neighbour:
            return f"{reason} of {folder or 'the root'}"
    return None


def _is_neighbour(workspace: Workspace) -> bool:
    """Whether the local dependencies of a package are only its neighbours in the repository."""
    specs = {**node_facts.dependencies(workspace), **node_facts.development_dependencies(workspace)}.values()
    local = [spec for spec in specs if spec.startswith(("file:", "link:", "portal:", "workspace:", ".", "/", "~/"))]
    return bool(local) and all(spec.startswith("workspace:") for spec in local) and not node_facts.lifecycle(workspace)


def inside(workspace: Workspace, folder: str) -> Workspace:
    """A package's folder as a workspace of its own."""
    return open_folder(workspace.checkout, f"{workspace.subdirectory}/{folder}".strip("/"))


def build_command(workspace: Workspace, package: Package, run: str, execute: str) -> str | None:
    """How the package and the ones that it needs are built from the root; `run` and `execute` are the manager's."""
    manager = run.split()[0]
    if "build" not in package.scripts:
        return None
    if workspace.exists("turbo.json") and node_facts.first_dependency(workspace, "turbo"):
        return f"{execute} turbo run build --filter={package.name}"
    if manager == "pnpm":
        return f"pnpm --filter {package.name}... run build"
    every = packages(workspace)
    order = [entry for entry in _needed(package, every, ()) if "build" in entry.scripts]
    form = {"yarn": "yarn workspace {} run build", "bun": "bun run --filter {} build"}
    return " && ".join(form.get(manager, "npm run build --workspace {}").format(entry.name) for entry in order)


def _needed(package: Package, every: tuple[Package, ...], above: tuple[str, ...]) -> list[Package]:
    """The packages that one is made of, those it needs first, itself last."""
    found: list[Package] = []
    for other in every:
        if other.name in package.dependencies and other.name not in above and len(above) < _MOST_DEPTH:
            found += [entry for entry in _needed(other, every, (*above, package.name)) if entry not in found]
    return [*found, package]


def _starts_all(start: str) -> bool:
    """Whether a start script starts several packages side by side, which would want the same port."""
    called = _RUNNERS & set(commands.programs(start))
    return bool(called) and not re.search(r"--filter|--scope|--projects?\b|-p\b", start)


def _folders(workspace: Workspace) -> list[str]:
    manifest = table(workspace.json("package.json")).get("workspaces")
    named = manifest if isinstance(manifest, list) else table(manifest).get("packages")
    entries = [
        entry
        for source in (
            named,
            table(workspace.yaml("pnpm-workspace.yaml")).get("packages"),
            table(workspace.json("lerna.json")).get("packages"),
        )
        for entry in (source if isinstance(source, list) else [])
        if isinstance(entry, str)
    ] or ["apps/*", "packages/*"]
    wanted = [entry.removeprefix("./").strip("/") for entry in entries if not entry.startswith("!")]
    unwanted = [entry[1:].removeprefix("./").strip("/") for entry in entries if entry.startswith("!")]
    patterns = [pattern for pattern in wanted if pattern and pattern != "."]
    found = {path for pattern in patterns for path in workspace.glob(f"{pattern}/package.json")}
    left_out = {path for pattern in unwanted for path in workspace.glob(f"{pattern}/package.json")}
    return sorted(
        path.removesuffix("/package.json")
        for path in found - left_out
        if re.fullmatch(r"[\w@./-]+/package\.json", path)
    )
