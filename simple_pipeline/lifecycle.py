"""An app that was deployed: stopped, started again on its address and checked as at its deployment, and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import docker_compose
import docker_run
from docker_run import ContainerState
from domain import Emit, Plan, RunningContainer, Stage
from robust_error_handler import ButlerError, CommandFailed, NotFound
from settings import Settings
from simple_pipeline.steps import as_failure
from simple_pipeline.verification import verify

_SERVICE = "com.docker.compose.service"


@dataclass(frozen=True)
class LiveApp:
    """An app with a release that was verified. `plan` need tell only how it is checked."""

    container_name: str
    user_id: int
    plan: Plan
    is_stack: bool


class Condition(StrEnum):
    """How a container stands, in words that a user knows."""

    RUNNING = "running"
    RESTARTING = "restarting"
    EXITED = "exited"
    STOPPED = "stopped"
    MISSING = "missing"


@dataclass(frozen=True)
class ServiceState:
    """One container of an app. `service` is empty for an app that is no stack; `since` is when it began to be so."""

    service: str
    is_site: bool
    state: Condition
    since: datetime | None
    restart_count: int
    exit_code: int | None
    oom_killed: bool


@dataclass(frozen=True)
class AppState:
    """How an app stands on the engine: its site, and every container that it has."""

    site: ServiceState
    services: tuple[ServiceState, ...]

    @property
    def is_up(self) -> bool:
        """Whether any container of the app runs, or is about to again."""
        return any(one.state in (Condition.RUNNING, Condition.RESTARTING) for one in self.services)


async def stop_app(app: LiveApp, settings: Settings) -> None:
    """Stop an app for good: it stays stopped when the engine or the machine restarts. What is gone is fine."""
    if app.is_stack:
        await docker_compose.stop(app.container_name, settings)
    elif await docker_run.inspect(app.container_name, settings) is not None:
        await docker_run.stop(app.container_name, settings)


async def start_app(app: LiveApp, emit: Emit, settings: Settings) -> RunningContainer:
    """Start an app that was stopped, on its own address, and prove that it answers; where not, it is stopped again.

    One that runs is only asked. Raises DeploymentFailed with the lines that show why, NotFound for a missing container.
    """
    try:
        return await _start(app, emit, settings)
    except (ButlerError, CommandFailed) as error:
        await stop_app(app, settings)
        raise as_failure(Stage.START, error) from error
    except asyncio.CancelledError:
        await asyncio.shield(stop_app(app, settings))
        raise


async def restart_app(app: LiveApp, emit: Emit, settings: Settings) -> RunningContainer:
    """Stop an app and start it again, and prove that it answers.

    One that ends instead is stopped; one that runs and does not answer goes on running, to be looked at.
    """
    await stop_app(app, settings)
    try:
        return await _start(app, emit, settings)
    except (ButlerError, CommandFailed) as error:
        state = await app_state(app.container_name, settings)
        if state.site.state is Condition.RUNNING:
            await _keep(app, settings)
        else:
            await stop_app(app, settings)
        raise as_failure(Stage.START, error) from error


async def app_state(container_name: str, settings: Settings) -> AppState:
    """How an app stands on the engine now."""
    site_name, states = await asyncio.gather(
        docker_compose.site_of_stack(container_name, settings),
        docker_run.list_containers(settings, app=container_name),
    )
    return _state_of(container_name, site_name, states)


async def all_containers(settings: Settings) -> Mapping[str, Sequence[ContainerState]]:
    """The containers of every app of this Butler, by the app's name: one look at the engine."""
    found: dict[str, list[ContainerState]] = {}
    for state in await docker_run.list_containers(settings):
        found.setdefault(state.labels.get("butler.app", ""), []).append(state)
    return found


async def app_state_among(
    container_name: str, containers: Mapping[str, Sequence[ContainerState]], settings: Settings
) -> AppState:
    """How an app stood when all containers were looked at."""
    site_name = await docker_compose.site_of_stack(container_name, settings)
    return _state_of(container_name, site_name, containers.get(container_name, ()))


def _state_of(container_name: str, site_name: str | None, states: Sequence[ContainerState]) -> AppState:
    found = [_service_state(state, container_name, site_name) for state in sorted(states, key=lambda one: one.name)]
    site = next((one for one in found if one.is_site), None)
    return AppState(site or _MISSING, tuple(found) or (_MISSING,))


async def _start(app: LiveApp, emit: Emit, settings: Settings) -> RunningContainer:
    if app.is_stack:
        container = await docker_compose.start(app.container_name, app.user_id, emit, settings)
    else:
        container = await _start_container(app, settings)
    await verify(container, app.plan, emit, settings)
    if app.is_stack:
        await docker_compose.resume_policies(app.container_name, settings)
    return container


async def _start_container(app: LiveApp, settings: Settings) -> RunningContainer:
    before = await docker_run.inspect(app.container_name, settings)
    if before is None:
        raise NotFound("The app's container is gone.", "Deploy the app again.")
    await docker_run.ensure_networks(app.container_name, app.user_id, settings)
    state = await docker_run.start_again(app.container_name, settings, keep=False)
    container_port, host_port = next(iter((state.ports or state.wanted_ports).items()), (None, None))
    url = None if host_port is None else docker_run.app_url(host_port, settings)
    return RunningContainer(state.id, state.name, state.image_id, container_port, host_port, url)


async def _keep(app: LiveApp, settings: Settings) -> None:
    if app.is_stack:
        await docker_compose.resume_policies(app.container_name, settings)
    else:
        await docker_run.keep_running(app.container_name, settings)


_MISSING = ServiceState("", True, Condition.MISSING, None, 0, None, False)


def _service_state(state: ContainerState, container_name: str, site: str | None) -> ServiceState:
    service = state.labels.get(_SERVICE, "")
    condition = _condition(state)
    ended = condition in (Condition.EXITED, Condition.STOPPED)
    return ServiceState(
        service=service,
        is_site=service == site if service else state.name == container_name,
        state=condition,
        since=state.finished_at if ended else state.started_at,
        restart_count=state.restart_count,
        exit_code=state.exit_code if condition is not Condition.RUNNING else None,
        oom_killed=state.oom_killed,
    )


def _condition(state: ContainerState) -> Condition:
    if state.status == "restarting":
        return Condition.RESTARTING
    return Condition.RUNNING if state.running else Condition.EXITED


def as_stopped(state: AppState) -> AppState:
    """The same app where its user stopped it: what ended is stopped, not dead."""
    return AppState(_as_stopped(state.site), tuple(map(_as_stopped, state.services)))


def _as_stopped(one: ServiceState) -> ServiceState:
    return replace(one, state=Condition.STOPPED) if one.state is Condition.EXITED else one
