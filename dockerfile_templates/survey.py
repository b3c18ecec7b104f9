"""What manifests say of package manager and version, whichever way a repository is deployed."""

from __future__ import annotations

import posixpath

from dockerfile_templates.node_basis import is_node_manifest
from domain import Evidence
from workspace import Workspace, node_facts, node_packages, open_folder, python_facts, toolchains
from workspace.facts import Fact


def survey(workspace: Workspace) -> tuple[Evidence, ...]:
    """Language, package manager and version of what lies at the root, with where each is written; maybe none."""
    return tuple(fact.evidence(name) for name, fact in found(workspace).items())


def found(workspace: Workspace, folder: str = "") -> dict[str, Fact]:
    """The same by field, for the root or a folder in it."""
    if folder:
        place = posixpath.normpath(f"{workspace.subdirectory}/{folder}".strip("/"))
        outer = place.startswith("..") or not (workspace.checkout / place).is_dir()
        if outer or place == ".":
            return {}
        return {
            name: Fact(fact.value, f"{fact.source} of {folder}/")
            for name, fact in found(open_folder(workspace.checkout, place)).items()
        }
    for language in (toolchains.php, toolchains.go, toolchains.java, toolchains.rust, toolchains.ruby, toolchains.elixir,
                     toolchains.dotnet):  # fmt: skip
        toolchain = language(workspace)
        if toolchain and toolchain.manager.value:
            return {"language": Fact(toolchain.language, toolchain.manager.source), **_asked(toolchain)}
    if is_node_manifest(workspace):
        manager = node_packages.package_manager(workspace).fact
        return {"language": Fact("node", "package.json"), "package_manager": manager, **_version_of_node(workspace)}
    if python_facts.has_manifest(workspace):
        installer = python_facts.installer(workspace).fact
        asked = python_facts.asked_version(workspace)
        version = {"version": python_facts.version(workspace)[0]} if asked else {}
        return {"language": Fact("python", installer.source), "package_manager": installer, **version}
    toolchain = toolchains.deno(workspace)
    return {"language": Fact("deno", toolchain.manager.source), **_asked(toolchain)} if toolchain else {}


def _asked(toolchain: toolchains.Toolchain) -> dict[str, Fact]:
    """Only what a file says: a default of ours is no fact about the repository."""
    facts = {"package_manager": toolchain.manager}
    return facts if toolchain.version.source.startswith("default") else {**facts, "version": toolchain.version}


def _version_of_node(workspace: Workspace) -> dict[str, Fact]:
    return {"version": node_facts.version(workspace)[0]} if node_facts.asked_version(workspace) else {}
