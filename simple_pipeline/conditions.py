"""What butler.yml and the request ask for around an app: variables that must be there, and limits within the server's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from docker_compose.quantities import size_in_bytes
from domain import DeployRequest, Emit, Event, EventKind, Kind, Plan, Stage, Variable
from robust_error_handler import Code, DeploymentFailed
from settings import Settings
from simple_pipeline.ledger import Ledger


async def with_variables(plan: Plan, request: DeployRequest, ledger: Ledger) -> DeployRequest:
    """The request with the values that the plan's variables have of themselves or that are made for this app.

    Raises DeploymentFailed (MISSING_VARIABLE) naming every required variable that has no value.
    """
    given = _given(request)
    absent = [entry for entry in plan.declared if entry.name not in given[entry.at_build]]
    made = await ledger.generated([entry.name for entry in absent if entry.generator])
    filled = {entry: made[entry.name] if entry.generator else entry.value for entry in absent}
    missing = [entry for entry, value in filled.items() if value is None and entry.required]
    if missing:
        raise _missing(missing)
    at_run = {entry.name: value for entry, value in filled.items() if value is not None and not entry.at_build}
    at_build = {entry.name: value for entry, value in filled.items() if value is not None and entry.at_build}
    return replace(
        request,
        backend_env={**at_run, **_with_told_port(plan, request.backend_env)},
        frontend_env={**at_build, **request.frontend_env},
    )


def within_limits(plan: Plan, settings: Settings, emit: Emit) -> Settings:
    """The settings for one app: less memory, fewer processors, more or less patience where its butler.yml says so."""
    changes: dict[str, Any] = {}
    if plan.memory and (size_in_bytes(plan.memory) or 0) <= (size_in_bytes(settings.memory_limit) or 0):
        changes["memory_limit"] = plan.memory
    elif plan.memory:
        _tell(
            emit,
            f"{_asker(plan, 'memory')} asks for {plan.memory} of memory; this server gives {settings.memory_limit}.",
        )
    if plan.cpus and plan.cpus <= settings.cpu_limit:
        changes["cpu_limit"] = plan.cpus
    elif plan.cpus:
        _tell(
            emit, f"{_asker(plan, 'cpus')} asks for {plan.cpus:g} processors; this server gives {settings.cpu_limit:g}."
        )
    patience = plan.healthcheck.timeout_seconds if plan.healthcheck else None
    if patience is not None:
        changes["start_timeout_seconds"] = min(patience, settings.max_start_timeout_seconds)
        if patience > settings.max_start_timeout_seconds:
            _tell(emit, f"The health check may take {settings.max_start_timeout_seconds} s at most on this server.")
    return settings.model_copy(update=changes) if changes else settings


def _with_told_port(plan: Plan, given: Mapping[str, str]) -> Mapping[str, str]:
    """The variables with the port that was told: an app that reads another PORT would listen there."""
    is_single = plan.kind is not Kind.COMPOSE and not plan.parts
    if not is_single or not plan.is_port_told or "PORT" not in given:
        return given
    return {**given, "PORT": str(plan.port)}


def _asker(plan: Plan, field: str) -> str:
    """Whose word a value is: the request's or butler.yml's."""
    source = next((entry.source for entry in plan.evidence if entry.field == field), "")
    return "The request" if source.endswith("the request") else "butler.yml"


def _given(request: DeployRequest) -> Mapping[bool, Mapping[str, str]]:
    return {False: request.backend_env, True: request.frontend_env}


def _missing(variables: list[Variable]) -> DeploymentFailed:
    names = ", ".join(entry.name for entry in variables)
    verb, they = ("are", "They have") if len(variables) > 1 else ("is", "It has")
    files = sorted({_file_for(entry) for entry in variables})
    return DeploymentFailed(
        Code.MISSING_VARIABLE,
        f"{names} {verb} required by butler.yml. {they} no value.",
        f"Add {'=..., '.join(entry.name for entry in variables)}=... to {' and '.join(files)}, and deploy again.",
        [f"{entry.name} ({_file_for(entry)}): {entry.description or 'no description'}" for entry in variables],
    )


def _file_for(entry: Variable) -> str:
    return "frontend_env" if entry.at_build else "backend_env"


def _tell(emit: Emit, text: str) -> None:
    emit(Event(EventKind.WARNING, Stage.DETECT, text, detail={"code": "resources-limited"}))
