"""A Compose file with at least one service that looks like a web site: all its services are started by Compose."""

from __future__ import annotations

from typing import Any

import compose_file
from compose_file import Site
from domain import Kind, Plan, PlanWarning
from robust_error_handler import DeploymentFailed
from workspace import Workspace
from workspace.facts import Fact, table

NAME = "compose"


def matches(workspace: Workspace) -> bool:
    """Whether there is a valid Compose file with a site."""
    return _found(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """All services, the site first."""
    found = _found(workspace)
    assert found is not None, "plan() follows matches()"  # noqa: S101
    path, model, site = found
    facts = {"strategy": Fact(NAME, path), "main_service": Fact(site.service, site.source)}
    if site.port:
        facts["port"] = Fact(str(site.port), f"service {site.service} in {path}")
    return Plan(
        strategy=NAME,
        kind=Kind.COMPOSE,
        compose_file=path,
        services=tuple(str(name) for name in table(model.get("services"))),
        main_service=site.service,
        port=site.port,
        evidence=tuple(fact.evidence(field) for field, fact in facts.items()),
    )


def set_aside(workspace: Workspace) -> DeploymentFailed | PlanWarning | None:
    """Why the Compose file that is there is not what is deployed: its mistake, or that it has no site."""
    path = compose_file.find_compose_file(workspace)
    if path is None:
        return None
    try:
        model = compose_file.load(workspace, path)
    except DeploymentFailed as error:
        return error
    services = ", ".join(str(name) for name in table(model.get("services"))) or "none"
    return PlanWarning(
        "compose-without-site",
        f"{path} has no service that looks like a web site ({services}); its services are not started.",
        "Give the application the address of its database in the run-time variables, or add the site as a service.",
    )


def _found(workspace: Workspace) -> tuple[str, dict[str, Any], Site] | None:
    path = compose_file.find_compose_file(workspace)
    if path is None:
        return None
    try:
        model = compose_file.load(workspace, path)
    except DeploymentFailed:
        return None
    site = compose_file.choose_site(model)
    return None if site is None else (path, model, site)
