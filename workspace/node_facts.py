"""What package.json says: scripts, dependencies and the Node.js version that is asked for."""

from __future__ import annotations

import re

import nodesemver  # type: ignore[import-untyped]

from domain import PlanWarning
from workspace.facts import Fact, table, text_table
from workspace.tree import Workspace

SUPPORTED_MAJORS = (24, 22, 20, 18)
DEFAULT_MAJOR = 22

_NAMED_VERSIONS = {
    "argon": 4,
    "boron": 6,
    "carbon": 8,
    "dubnium": 10,
    "erbium": 12,
    "fermium": 14,
    "gallium": 16,
    "hydrogen": 18,
    "iron": 20,
    "jod": 22,
    "krypton": 24,
    "*": SUPPORTED_MAJORS[0],
    "lts": SUPPORTED_MAJORS[0],
    "latest": SUPPORTED_MAJORS[0],
    "current": SUPPORTED_MAJORS[0],
    "node": SUPPORTED_MAJORS[0],
    "stable": SUPPORTED_MAJORS[0],
}
_LIFECYCLE = ("preinstall", "install", "postinstall", "prepare")
_ONLY_GIT_HOOKS = re.compile(r"^[\w\s|&./-]*\b(husky|simple-git-hooks|lefthook)\b[\w\s|&./-]*$")


def has_package_json(workspace: Workspace) -> bool:
    """Whether there is a package.json that can be read."""
    return workspace.json("package.json") is not None


def scripts(workspace: Workspace) -> dict[str, str]:
    """The scripts of package.json by name."""
    return text_table(table(workspace.json("package.json")).get("scripts"))


def dependencies(workspace: Workspace) -> dict[str, str]:
    """What the application needs when it runs."""

    def found() -> dict[str, str]:
        manifest = table(workspace.json("package.json"))
        return {**text_table(manifest.get("optionalDependencies")), **text_table(manifest.get("dependencies"))}

    return workspace.remembered("dependencies in package.json", found)


def development_dependencies(workspace: Workspace) -> dict[str, str]:
    """What the application needs only while it is built or tested."""
    return workspace.remembered(
        "devDependencies in package.json",
        lambda: text_table(table(workspace.json("package.json")).get("devDependencies")),
    )


def first_dependency(workspace: Workspace, *names: str) -> str | None:
    """The first of these packages that package.json names as a dependency of either sort."""
    needed, developing = dependencies(workspace), development_dependencies(workspace)
    return next((name for name in names if name in needed or name in developing), None)


def has_workspaces(workspace: Workspace) -> bool:
    """Whether package.json is the root of several packages."""
    if table(workspace.json("package.json")).get("workspaces"):
        return True
    packages = table(workspace.yaml("pnpm-workspace.yaml")).get("packages")
    return isinstance(packages, list) and any(entry != "." for entry in packages)


def why_install_needs_source(workspace: Workspace) -> str | None:
    """What makes the installation read more than manifests and lockfiles; None when nothing does."""
    script = lifecycle(workspace)
    if script:
        return f"scripts.{script} in package.json"
    for name, spec in {**dependencies(workspace), **development_dependencies(workspace)}.items():
        if spec.startswith(("file:", "link:", "portal:", "workspace:", ".", "/", "~/")):
            return f"the local dependency {name} in package.json"
    return "workspaces in package.json or pnpm-workspace.yaml" if has_workspaces(workspace) else None


def lifecycle(workspace: Workspace) -> str | None:
    """The script that an installation runs, unless it only sets up Git hooks."""
    found = scripts(workspace)
    return next((name for name in _LIFECYCLE if name in found and not _ONLY_GIT_HOOKS.match(found[name])), None)


def version(workspace: Workspace) -> tuple[Fact, tuple[PlanWarning, ...]]:
    """The major version of Node.js to use, and what is to be said about it."""
    asked = asked_version(workspace)
    if asked is None:
        return Fact(str(DEFAULT_MAJOR), "default: the repository names no version"), ()
    major = _major_for(asked.value)
    source = f"{asked.source} ({asked.value})"
    if major in SUPPORTED_MAJORS:
        return Fact(str(major), source), ()
    used = DEFAULT_MAJOR if major is None else min(SUPPORTED_MAJORS, key=lambda m: (abs(m - major), -m))
    supported = ", ".join(map(str, sorted(SUPPORTED_MAJORS)))
    warning = PlanWarning(
        "version-unavailable",
        f"{asked.source} asks for Node.js {asked.value!r}, which "
        + ("cannot be understood" if major is None else "is not supported")
        + f"; Node.js {used} is used instead.",
        f'Ask for one of {supported}, for example `"engines": {{"node": "{DEFAULT_MAJOR}.x"}}` in package.json.',
    )
    return Fact(str(used), source), (warning,)


def asked_version(workspace: Workspace) -> Fact | None:
    """What the repository says of its Node.js version, in its own words, from the file that counts most.

    `engines` counts most; but where it leaves a choice of majors, the one that developers pin is taken.
    """
    if "version" in workspace.told:
        return workspace.told["version"]
    wanted = text_table(table(workspace.json("package.json")).get("engines")).get("node", "").strip()
    pinned = _pinned(workspace)
    if not wanted:
        return pinned
    if pinned and _major_for(pinned.value) in SUPPORTED_MAJORS and _leaves_to(wanted, pinned.value):
        return pinned
    return Fact(wanted[:80], "engines.node in package.json")


def _leaves_to(wanted: str, pinned: str) -> bool:
    """Whether a range allows the major that is pinned beside it, and others."""
    allowed = [major for major in SUPPORTED_MAJORS if _satisfies(f"{major}.99.99", wanted)]
    return len(allowed) > 1 and _major_for(pinned) in allowed


def _pinned(workspace: Workspace) -> Fact | None:
    wanted = text_table(table(workspace.json("package.json")).get("volta")).get("node", "").strip()
    if wanted:
        return Fact(wanted[:80], "volta.node in package.json")
    for name in (".nvmrc", ".node-version"):
        line = _first_line(workspace.read_text(name) or "")
        if line:
            return Fact(line[:80], name)
    return _asked_of_tools(workspace)


def _asked_of_tools(workspace: Workspace) -> Fact | None:
    for line in (workspace.read_text(".tool-versions") or "").splitlines():
        found = re.match(r"\s*node(?:js)?\s+(\S+)", line)
        if found:
            return Fact(found[1][:80], ".tool-versions")
    for name in ("mise.toml", ".mise.toml"):
        tools = table(table(workspace.toml(name)).get("tools"))
        wanted = tools.get("node", tools.get("nodejs"))
        if isinstance(wanted, str | int | float) and str(wanted).strip():
            return Fact(str(wanted)[:80], f"tools.node in {name}")
    return None


def _first_line(text: str) -> str:
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return next((line for line in lines if line), "")


def _major_for(text: str) -> int | None:
    """The newest supported major that a range allows, else the major that it speaks of; None for nonsense."""
    wanted = text.strip().lower().removeprefix("node-").removeprefix("node@")
    named = _NAMED_VERSIONS.get(wanted.removeprefix("lts/").removeprefix("lts-"))
    if named is not None:
        return named
    spoken = re.findall(r"\d+(?:\.\d+){0,2}", wanted)
    for major in SUPPORTED_MAJORS:
        samples = [f"{major}.0.0", f"{major}.99.99"]
        samples += [_full(number) for number in spoken if number.split(".")[0] == str(major)]
        if any(_satisfies(sample, wanted) for sample in samples):
            return major
    return int(spoken[-1].split(".")[0][:4]) if spoken else None


def _full(number: str) -> str:
    return ".".join((number.split(".") + ["0", "0"])[:3])


def _satisfies(sample: str, wanted: str) -> bool:
    try:
        return bool(nodesemver.satisfies(sample, wanted, loose=False))
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, RecursionError):
        return False
