"""A Compose file with at least one service that looks like a web site: all its services are started by Compose."""

from __future__ import annotations

from typing import Any

import compose_file
from compose_file import Site
from dockerfile_templates.survey import found
from domain import Kind, Plan, PlanWarning
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace
from workspace.facts import Fact, table

NAME = "compose"


def matches(workspace: Workspace) -> bool:
    """Whether there is a valid Compose file with a site."""
    return _found(workspace) is not None


def plan(workspace: Workspace, file: str | None = None) -> Plan:
    """All services, the site first. `file` is one that somebody chose, whatever its name: its mistakes are raised."""
    chosen = _found(workspace) if file is None else _chosen(workspace, file)
    assert chosen is not None, "plan() follows matches()"  # noqa: S101
    path, model, site = chosen
    facts = {
        "strategy": Fact(NAME, path),
        "main_service": Fact(site.service, site.source),
        **_said(workspace, model, site),
    }
    if site.port:
        facts["port"] = Fact(str(site.port), f"service {site.service} in {path}")
    return Plan(
        strategy=NAME,
        kind=Kind.COMPOSE,
        compose_file=path,
        services=tuple(str(name) for name in table(model.get("services"))),
        main_service=site.service,
        port=site.port,
        language=_value(facts, "language"),
        version=_value(facts, "version"),
        package_manager=_value(facts, "package_manager", first_word=True),
        evidence=tuple(fact.evidence(field) for field, fact in facts.items()),
        warnings=_warnings(path, site),
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
    site = compose_file.choose_site(model)
    missing = _missing_context(workspace, model, site) if site else None
    if site and missing:
        return PlanWarning(
            "compose-not-used",
            f"{path} builds its service {site.service} from {missing}, which is not in the repository.",
            "Commit that folder, or correct `build`; until then the repository is deployed without the file.",
        )
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
    if site is None or (_missing_context(workspace, model, site) and not _is_all_there_is(workspace)):
        return None
    return path, model, site


def _is_all_there_is(workspace: Workspace) -> bool:
    """Whether the Compose file stands alone, so that its mistake is what has to be told."""
    return not found(workspace) and not workspace.exists("Dockerfile")


def _missing_context(workspace: Workspace, model: dict[str, Any], site: Site) -> str | None:
    """The folder that the site is built from, where it is not in the repository (Laravel Sail's is in vendor/)."""
    build = table(table(model.get("services")).get(site.service)).get("build")
    context = build if isinstance(build, str) else table(build).get("context")
    if not isinstance(context, str) or "$" in context or "://" in context or context.startswith(("/", "git@")):
        return None
    folder = context.removeprefix("./").rstrip("/") or "."
    return None if folder == "." or workspace.is_dir(folder) else folder


def _chosen(workspace: Workspace, file: str) -> tuple[str, dict[str, Any], Site]:
    """A file that was asked for by name. Raises DeploymentFailed where it is no Compose file or has no services."""
    model = compose_file.load(workspace, file)
    services = table(model.get("services"))
    if not services:
        raise DeploymentFailed(
            Code.NOTHING_RECOGNISED,
            f"{file} has no `services`, so it is no Compose file (it has {', '.join(map(str, model)) or 'nothing'}).",
            "Write the services under `services:`, or choose another file.",
        )
    site = compose_file.choose_site(model) or compose_file.site_of(services, str(next(iter(services))))
    return file, model, site


def _said(workspace: Workspace, model: dict[str, Any], site: Site) -> dict[str, Fact]:
    """What the manifests beside the file, else those of the site's own build, say of the language and its tools."""
    beside = found(workspace)
    if beside:
        return beside
    build = table(model.get("services")).get(site.service, {}).get("build")
    context = build if isinstance(build, str) else table(build).get("context", "")
    folder = context.removeprefix("./").strip("/") if isinstance(context, str) else ""
    return found(workspace, folder) if folder and "$" not in folder and "://" not in folder else {}


def _value(facts: dict[str, Fact], field: str, *, first_word: bool = False) -> str | None:
    fact = facts.get(field)
    return None if fact is None else fact.value.split()[0] if first_word and fact.value else fact.value


def _warnings(path: str, site: Site) -> tuple[PlanWarning, ...]:
    if not site.others:
        return ()
    message = (
        f"{path} has more than one service that could be the site: {site.service} is it, not {', '.join(site.others)}."
    )
    return (PlanWarning("several-sites", message, "Name the site by `run.service` in butler.yml or in the overrides."),)
