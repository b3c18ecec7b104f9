"""Decides how a repository is deployed: the ordered list of strategies, and what is said when none fits."""

from __future__ import annotations

from dataclasses import asdict, replace
from types import ModuleType
from typing import Any

from dockerfile_templates import (
    bun,
    compose,
    deno,
    django,
    dockerfile,
    dotnet,
    elixir,
    fastapi,
    flask,
    generator,
    go,
    java,
    jekyll,
    monorepo,
    nextjs,
    node,
    php,
    python,
    python_packages,
    ruby,
    rust,
    shell,
    spa,
    static,
)
from dockerfile_templates.located import located
from dockerfile_templates.procfile_language import preferred
from dockerfile_templates.survey import survey
from dockerfile_templates.templates import DOCKERIGNORE
from dockerfile_templates.undeployable import nothing_recognised
from domain import Plan, PlanWarning
from robust_error_handler import DeploymentFailed
from workspace import Workspace

__all__ = ["DOCKERIGNORE", "STRATEGIES", "detect", "plan_as_dict", "survey"]

# The first that matches wins. What the repository says itself precedes what we make of it; a package.json that only
# builds assets gives way to the language that serves them (see node_basis.is_application).
STRATEGIES: tuple[ModuleType, ...] = (
    compose,
    dockerfile,
    monorepo,
    nextjs,
    spa,
    bun,
    node,
    php,
    ruby,
    go,
    java,
    rust,
    dotnet,
    elixir,
    django,
    flask,
    fastapi,
    python,
    deno,
    generator,
    jekyll,
    static,
    shell,
)


def detect(workspace: Workspace, file: str | None = None) -> Plan:
    """How this repository is deployed. `file` is the Compose file or Dockerfile that somebody chose.

    Raises DeploymentFailed with what was looked at and the likely candidates.
    """
    if file is not None:
        chosen = dockerfile if dockerfile.is_one(file) else compose
        return located(workspace, chosen.plan(workspace, file))
    plan = _first_plan(workspace)
    aside = None if plan and plan.strategy == compose.NAME else compose.set_aside(workspace)
    if plan is None:
        if isinstance(aside, DeploymentFailed):
            raise aside
        plan = _last_resort(workspace, aside)
    if aside is not None:
        plan = replace(plan, warnings=(*plan.warnings, _as_warning(aside)))
    return located(workspace, plan)


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
    wanted = preferred(workspace)
    by_procfile = [strategy for strategy in STRATEGIES[2:] if strategy.NAME in wanted]
    for strategy in (*STRATEGIES[:2], *by_procfile, *STRATEGIES[2:]):
        if strategy.matches(workspace):
            plan: Plan = strategy.plan(workspace)
            return plan
    return None


def _last_resort(workspace: Workspace, aside: PlanWarning | None) -> Plan:
    """Python packages without a program, where no folder holds one either: installing them shows what is wrong."""
    failure = nothing_recognised(workspace, aside, _first_plan, [strategy.NAME for strategy in STRATEGIES])
    if failure.lines and any(line.startswith("candidate: ") for line in failure.lines):
        raise failure
    if not python_packages.matches(workspace):
        raise failure
    return python_packages.plan(workspace)


def _as_warning(aside: DeploymentFailed | PlanWarning) -> PlanWarning:
    if isinstance(aside, PlanWarning):
        return aside
    return PlanWarning("compose-not-used", f"The Compose file is not used: {aside.message}", aside.hint)
