"""Decides how a repository is deployed: the ordered list of strategies, and what is said when none fits."""

from __future__ import annotations

from dataclasses import asdict, replace
from types import ModuleType
from typing import Any

from dockerfile_templates import compose, django, dockerfile, fastapi, flask, nextjs, node, python, spa, static
from dockerfile_templates.templates import DOCKERIGNORE
from domain import Plan, PlanWarning
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace, open_folder

__all__ = ["DOCKERIGNORE", "STRATEGIES", "detect", "plan_as_dict"]

# The first that matches wins. What the repository says itself precedes what we make of it.
STRATEGIES: tuple[ModuleType, ...] = (
    compose,
    dockerfile,
    nextjs,
    spa,
    node,
    django,
    flask,
    fastapi,
    python,
    static,
)
_MAX_CANDIDATES = 12
_MAX_FOLDERS = 60


def detect(workspace: Workspace) -> Plan:
    """How this repository is deployed. Raises DeploymentFailed with what was looked at and the likely candidates."""
    plan = _first_plan(workspace)
    aside = None if plan and plan.strategy == compose.NAME else compose.set_aside(workspace)
    if plan is None:
        raise aside if isinstance(aside, DeploymentFailed) else _nothing_recognised(workspace, aside)
    if aside is None:
        return plan
    return replace(plan, warnings=(*plan.warnings, _as_warning(aside)))


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """The plan's JSON. `dockerfile` is the path of the repository's own, or the text of the one that we wrote."""
    return {
        "strategy": plan.strategy,
        "kind": str(plan.kind),
        "framework": plan.framework,
        "language": plan.language,
        "version": plan.version,
        "package_manager": plan.package_manager,
        "install": plan.install,
        "build": plan.build,
        "start": plan.start,
        "port": plan.port,
        "dockerfile": plan.dockerfile_path or plan.dockerfile,
        "services": list(plan.services),
        "main_service": plan.main_service,
        "evidence": [asdict(entry) for entry in plan.evidence],
        "warnings": [asdict(entry) for entry in plan.warnings],
        "candidates": list(plan.candidates),
        "variables": [asdict(entry) for entry in plan.variables],
        "error": None,
    }


def _first_plan(workspace: Workspace) -> Plan | None:
    for strategy in STRATEGIES:
        if strategy.matches(workspace):
            plan: Plan = strategy.plan(workspace)
            return plan
    return None


def _as_warning(aside: DeploymentFailed | PlanWarning) -> PlanWarning:
    if isinstance(aside, PlanWarning):
        return aside
    return PlanWarning("compose-not-used", f"The Compose file is not used: {aside.message}", aside.hint)


def _nothing_recognised(workspace: Workspace, aside: PlanWarning | None) -> DeploymentFailed:
    """The error that says what was looked at, and which folders or files would be recognised."""
    files = workspace.files()
    if not files:
        return DeploymentFailed(
            Code.NOTHING_RECOGNISED,
            "The folder is empty: there is nothing to deploy.",
            "Commit the application, or choose another branch or subdirectory.",
        )
    places = _recognised_folders(workspace)
    prefix = f"{workspace.subdirectory}/".lstrip("/")
    folders = [f"{prefix}{name}/ ({kind})" for name, kind in places]
    inside = tuple(f"{name}/" for name, _ in places)
    variants = [f"{prefix}{path}" for path in dockerfile.variants(workspace) if not path.startswith(inside)]
    reasons = " ".join(_reasons(workspace, aside))
    message = (
        "The application is not at the top: nothing there says how to deploy it, but its folders do."
        if folders
        else f"Nothing here says how it should be deployed. Looked for: {', '.join(s.NAME for s in STRATEGIES)}."
    )
    top = sorted({path.split("/")[0] + ("/" if "/" in path else "") for path in files})
    lines = [*(f"candidate: {name}" for name in (*folders, *variants)), f"found: {', '.join(top[:30])}"]
    return DeploymentFailed(
        Code.NOTHING_RECOGNISED, f"{message} {reasons}".strip(), _what_to_add(folders, variants), lines
    )


def _what_to_add(folders: list[str], variants: list[str]) -> str:
    if folders:
        more = " and others" if len(folders) == _MAX_CANDIDATES else ""
        return f"Deploy one of them by giving the subdirectory: {', '.join(folders)}{more}."
    if variants:
        return f"Call the Dockerfile that should be used `Dockerfile` (there is {', '.join(variants)}), and commit it."
    return "Add a Dockerfile, a start script in package.json, a web process in a Procfile, or an index.html."


def _reasons(workspace: Workspace, aside: PlanWarning | None) -> list[str]:
    """What came near: a manifest without a start command, a Compose file without a site."""
    reasons = [aside.message] if aside else []
    if workspace.exists("package.json"):
        readable = workspace.json("package.json") is not None
        reasons.append("package.json names no start command." if readable else "package.json is no valid JSON.")
    for name in ("requirements.txt", "pyproject.toml", "Pipfile"):
        if workspace.exists(name):
            reasons.append(f"{name} is there, but no program or application object to start.")
            break
    return reasons


def _recognised_folders(workspace: Workspace) -> list[tuple[str, str]]:
    """Folders up to two levels down that would be recognised by themselves, with what they would be."""
    parents = {
        "/".join(path.split("/")[:depth]) for path in workspace.files() for depth in (1, 2) if path.count("/") >= depth
    }
    ordered = sorted(parents, key=lambda folder: (folder.count("/"), folder))
    found: list[tuple[str, str]] = []
    for folder in [name for name in ordered if not name.startswith(".")][:_MAX_FOLDERS]:
        if any(folder.startswith(f"{outer}/") for outer, _ in found):
            continue
        inner = open_folder(workspace.checkout, f"{workspace.subdirectory}/{folder}".lstrip("/"))
        plan = _first_plan(inner)
        if plan:
            found.append((folder, plan.framework or str(plan.kind)))
        if len(found) >= _MAX_CANDIDATES:
            break
    return found
