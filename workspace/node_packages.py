"""Which package manager a Node.js repository uses, and how it installs: from lockfiles, fields and habits."""

from __future__ import annotations

import re
from dataclasses import dataclass

import nodesemver  # type: ignore[import-untyped]

from domain import PlanWarning
from workspace import node_facts
from workspace.facts import Fact, table, text_table
from workspace.tree import Workspace

_LOCKFILES = {
    "pnpm": ("pnpm-lock.yaml",),
    "yarn": ("yarn.lock",),
    "bun": ("bun.lock", "bun.lockb"),
    "npm": ("package-lock.json", "npm-shrinkwrap.json"),
}
_FIELD = re.compile(r"^(npm|pnpm|yarn|bun)(?:@(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?))?(?:\+.*)?$")
_PLAIN_VERSION = re.compile(r"^(\d+)(\.\d+(?:\.\d+)?)?(?:\.[x*])?$")
_PNPM_MAJORS = ("7", "8", "9", "10", "11")
_PLAIN_RANGE = re.compile(r"^[\^~]?\d+(\.\d+){0,2}$")


@dataclass(frozen=True)
class PackageManager:
    """How dependencies are installed.

    `package` is what npm installs to have the tool itself ("" for npm). `install_unlocked` is what still works
    where the lockfile turns out to be stale. `prune` removes what only the build needs.
    """

    name: str
    source: str
    package: str
    lockfile: str | None
    install: str
    install_unlocked: str
    prune: str
    run: str
    execute: str
    warnings: tuple[PlanWarning, ...] = ()

    @property
    def fact(self) -> Fact:
        """The name and why it was chosen, with the tool's own version where that is fixed."""
        version = self.package.rpartition("@")[2]
        return Fact(f"{self.name} {version}".strip(), self.source)


def package_manager(workspace: Workspace) -> PackageManager:
    """The package manager by rule: the `packageManager` field, then lockfiles, then settings, then npm."""
    chosen, version = _chosen(workspace)
    name = chosen.value
    lockfile = next((file for file in _LOCKFILES[name] if workspace.exists(file)), None)
    stale = _stale_entry(workspace, lockfile)
    locked, unlocked, prune = _commands(workspace, name, lockfile, version)
    version = version or _asked_in_engines(workspace, name)
    return PackageManager(
        name=name,
        source=chosen.source,
        package=_tool(workspace, name, version),
        lockfile=lockfile,
        install=unlocked if stale or not lockfile else locked,
        install_unlocked=unlocked,
        prune=prune,
        run=f"{name} run",
        execute={"npm": "npx", "pnpm": "pnpm exec", "yarn": "yarn run", "bun": "bunx"}[name],
        warnings=_warnings(workspace, chosen, lockfile, stale),
    )


def _asked_in_engines(workspace: Workspace, name: str) -> str | None:
    """The release that `engines` asks for, where it names one major and no lockfile needs another."""
    wanted = text_table(table(workspace.json("package.json")).get("engines")).get(name, "").strip()
    if name == "bun":
        pinned = (workspace.read_text(".bun-version", 64) or "").strip().removeprefix("v")
        return pinned if _PLAIN_VERSION.match(pinned) else None
    asked = _PLAIN_VERSION.match(wanted.removeprefix("^").removeprefix("~"))
    if asked is None:
        return None
    if name == "pnpm" and asked[1] in _PNPM_MAJORS and _reads_lockfile(workspace, asked[1]):
        return wanted
    return wanted if name == "yarn" and asked[1] != "1" and is_berry(workspace) and asked[2] else None


def _reads_lockfile(workspace: Workspace, pnpm_major: str) -> bool:
    written = _lockfile_of_pnpm(workspace)
    return written is None or int(pnpm_major) >= (9 if written >= 9 else 8 if written >= 6 else 7)


def is_berry(workspace: Workspace) -> bool:
    """Whether yarn means yarn 2 or newer, whose commands differ."""
    lock = workspace.read_text("yarn.lock", 4096)
    if lock is not None and lock.strip():
        return "__metadata:" in lock
    field = _FIELD.match(str(table(workspace.json("package.json")).get("packageManager", "")))
    if field and field[1] == "yarn" and field[2]:
        return not field[2].startswith(("0.", "1."))
    return workspace.exists(".yarnrc.yml")


def _chosen(workspace: Workspace) -> tuple[Fact, str | None]:
    manifest = table(workspace.json("package.json"))
    field = _FIELD.match(str(manifest.get("packageManager", "")))
    told = workspace.told.get("package_manager")
    if told and told.value in _LOCKFILES and not _is_forbidden(told.value, field[1] if field else None):
        return told, field[2] if field and field[1] == told.value else None
    if field:
        return Fact(field[1], "packageManager in package.json"), field[2]
    for name, files in _LOCKFILES.items():
        for file in files:
            if workspace.exists(file):
                return Fact(name, file), None
    if workspace.exists(".yarnrc.yml"):
        return Fact("yarn", ".yarnrc.yml"), None
    engines = text_table(manifest.get("engines"))
    for name in ("pnpm", "bun", "yarn"):
        if name in engines:
            return Fact(name, f"engines.{name} in package.json"), None
    return Fact("npm", "default: there is no lockfile"), None


def _is_forbidden(name: str, named: str | None) -> bool:
    """Whether a package manager refuses to work where `packageManager` of package.json names another one."""
    return name in ("yarn", "pnpm") and named not in (None, name)


def _commands(workspace: Workspace, name: str, lockfile: str | None, version: str | None) -> tuple[str, str, str]:
    """Installing by the lockfile, without it, and pruning."""
    if name == "pnpm":
        return "pnpm install --frozen-lockfile", "pnpm install --no-frozen-lockfile", "pnpm prune --prod"
    if name == "bun":
        return "bun install --frozen-lockfile", "bun install", ""
    if name == "npm":
        return "npm ci", "npm install", "npm prune --omit=dev"
    if is_berry(workspace):
        major = (version or _berry_version(workspace)).split(".")[0]
        focus = "yarn workspaces focus --all --production" if major not in ("2", "3") and lockfile else ""
        return "yarn install --immutable", "yarn install --no-immutable", focus
    production = "yarn install --production --ignore-scripts --prefer-offline --frozen-lockfile --ignore-engines"
    return (
        "yarn install --frozen-lockfile --ignore-engines",
        "yarn install --ignore-engines",
        production if lockfile else "",
    )


def _tool(workspace: Workspace, name: str, version: str | None) -> str:
    """What `npm install --global` is given to have this package manager; corepack is not needed."""
    if name == "npm":
        return ""
    if name == "bun":
        return f"bun@{version or '1'}"
    if name == "pnpm":
        return f"pnpm@{version or _pnpm_major(workspace)}"
    if is_berry(workspace):
        return f"@yarnpkg/cli-dist@{version or _berry_version(workspace)}"
    return f"yarn@{version if version and version.startswith('1.') else '1.22.22'}"


def _pnpm_major(workspace: Workspace) -> str:
    """The release of pnpm that reads this lockfile; the ones before 7 do not run on any supported Node.js."""
    written = _lockfile_of_pnpm(workspace)
    if written is None or written >= 9:
        return "10" if "onlyBuiltDependencies" in (workspace.read_text("pnpm-workspace.yaml") or "") else "9"
    return "8" if written >= 6 else "7"


def _lockfile_of_pnpm(workspace: Workspace) -> int | None:
    """The major version of the lockfile's own form."""
    text = workspace.read_text("pnpm-lock.yaml", 4096) or ""
    found = re.search(r"^lockfileVersion:\s*['\"]?(\d{1,4})", text, re.MULTILINE)
    return int(found[1]) if found else None


def _berry_version(workspace: Workspace) -> str:
    """The release that the repository carries, else the one that writes lockfiles of this version."""
    carried = re.search(
        r"^yarnPath:.*\byarn-(\d+\.\d+\.\d+)\.cjs", workspace.read_text(".yarnrc.yml") or "", re.MULTILINE
    )
    if carried:
        return carried[1]
    found = re.search(r"__metadata:\s+version:\s*(\d+)", workspace.read_text("yarn.lock", 4096) or "")
    written = int(found[1]) if found else 10
    return "3" if written <= 7 else "4.9" if written == 8 else "4"


def _stale_entry(workspace: Workspace, lockfile: str | None) -> str | None:
    """A dependency that the lockfile does not know in the range that package.json asks for."""
    if lockfile is None or node_facts.has_workspaces(workspace):
        return None
    wanted = {**node_facts.development_dependencies(workspace), **node_facts.dependencies(workspace)}
    if lockfile in ("package-lock.json", "npm-shrinkwrap.json"):
        return _stale_in_npm(workspace, lockfile, wanted)
    if lockfile not in ("yarn.lock", "pnpm-lock.yaml"):
        return None
    text = workspace.read_text(lockfile, 4 * 1024 * 1024) or ""
    plain = {name: spec for name, spec in wanted.items() if _PLAIN_RANGE.match(spec)}
    if lockfile == "yarn.lock":
        forms = ("{}@npm:{}", "{}@{}")
        return next((n for n, s in plain.items() if not any(form.format(n, s) in text for form in forms)), None)
    return _stale_in_pnpm(text.split("\npackages:")[0], plain)


def _stale_in_npm(workspace: Workspace, lockfile: str, wanted: dict[str, str]) -> str | None:
    packages = table(workspace.json(lockfile)).get("packages")
    if not isinstance(packages, dict):
        return None
    for name, spec in wanted.items():
        entry = table(packages.get(f"node_modules/{name}"))
        locked = str(entry.get("version", ""))
        if not entry or (_PLAIN_RANGE.match(spec) and locked and not _within(locked, spec)):
            return name
    return None


def _within(version: str, spec: str) -> bool:
    try:
        return bool(nodesemver.satisfies(version, spec, loose=False))
    except (ValueError, TypeError, AttributeError, IndexError):
        return True


def _stale_in_pnpm(head: str, wanted: dict[str, str]) -> str | None:
    known = set(re.findall(r"^[ \t]+'?([@\w./-]+)'?:\n\s+specifier: '?([^'\n]+)", head, re.MULTILINE))
    if not known:
        return None
    return next((name for name, spec in wanted.items() if (name, spec) not in known), None)


def _warnings(workspace: Workspace, chosen: Fact, lockfile: str | None, stale: str | None) -> tuple[PlanWarning, ...]:
    present = [file for files in _LOCKFILES.values() for file in files if workspace.exists(file)]
    owners = {name for name, files in _LOCKFILES.items() if set(files) & set(present)}
    warnings = []
    if len(owners) > 1:
        others = ", ".join(file for file in present if file != lockfile)
        warnings.append(
            PlanWarning(
                "several-lockfiles",
                f"There are lockfiles of several package managers ({', '.join(present)}); {chosen.value} is used.",
                f"Delete {others}, or name one in `packageManager` of package.json.",
            )
        )
    if stale:
        warnings.append(
            PlanWarning(
                "lockfile-out-of-sync",
                f"{lockfile} does not match package.json ({stale!r} differs); versions are resolved anew.",
                f"Run `{chosen.value} install` and commit {lockfile}.",
            )
        )
    if lockfile is None and (node_facts.dependencies(workspace) or node_facts.development_dependencies(workspace)):
        warnings.append(
            PlanWarning(
                "no-lockfile",
                "There is no lockfile, so each build may install other versions.",
                f"Run `{chosen.value} install` and commit the lockfile that it writes.",
            )
        )
    return tuple(warnings)
