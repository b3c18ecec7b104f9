"""Which service of a stack is to blame: a site that fails may only follow another service that ended before it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from docker_run import ContainerState, list_containers, log_lines
from domain import Emit, Event, EventKind, Stage
from failure_advice import explain
from robust_error_handler import Code, DeploymentFailed
from settings import Settings

# What the site says of itself with certainty, whatever else has ended.
FINAL = frozenset({Code.MISSING_VARIABLE, Code.OUT_OF_MEMORY, Code.DEPENDENCY_NOT_FOUND, Code.DISK_FULL})
_RESTARTS = 2
# The engine waits twice as long before each restart: 4 take a few seconds, 8 half a minute.
_HOPELESS_RESTARTS = 4
_PATIENT_RESTARTS = 8
_WAITS_FOR_ANOTHER = re.compile(
    r"refused|ENOTFOUND|EAI_AGAIN|gaierror|getaddrinfo|no such host|not known|host not found|name resolution|"
    r"could not translate|(?:can.?t|cannot|could not|unable to|failed to) connect|starting up|timed? ?out|unreachable",
    re.IGNORECASE,
)
_LOG_LINES = 50
_SERVICE = "com.docker.compose.service"


async def by_service(container_name: str, settings: Settings) -> dict[str, ContainerState]:
    """How the containers of a stack stand, by service."""
    states = await list_containers(settings, app=container_name)
    return {state.labels[_SERVICE]: state for state in states if _SERVICE in state.labels}


def fallen(states: Mapping[str, ContainerState], site: str) -> tuple[str, ...]:
    """The services beside the site that ended with an error or are restarted again and again, the first one first."""
    names = [
        name
        for name, state in states.items()
        if name != site and (state.restart_count >= _RESTARTS or (not state.running and state.exit_code != 0))
    ]
    return tuple(sorted(names, key=lambda name: states[name].finished_at or datetime.max.replace(tzinfo=UTC)))


async def lost(container_name: str, site: str, settings: Settings) -> str | None:
    """A service beside the site that will not come back: it ended for good, or ends again and again.

    One whose last lines say that it waits for another service is given longer: a database takes its time at first.
    """
    states = await by_service(container_name, settings)
    for name in fallen(states, site):
        state = states[name]
        if not state.running and state.status != "restarting":
            return name
        if state.restart_count >= _HOPELESS_RESTARTS:
            lines = await log_lines(state.id, settings, tail=_LOG_LINES)
            if state.restart_count >= _PATIENT_RESTARTS or not _WAITS_FOR_ANOTHER.search("\n".join(lines)):
                return name
    return None


def blamed(error: DeploymentFailed, states: Mapping[str, ContainerState], site: str) -> str | None:
    """The service that fell before the site did: the site's failure names it, or is mere silence or a server error."""
    if error.code in FINAL:
        return None
    said = "\n".join((error.message, *error.lines))
    for name in fallen(states, site):
        if error.code is Code.NOT_ANSWERING or re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", said):
            return name
    return None


async def root_cause(error: DeploymentFailed, container_name: str, site: str, settings: Settings) -> DeploymentFailed:
    """The failure of the service that fell before the site did; the site's own where none did."""
    states = await by_service(container_name, settings)
    name = blamed(error, states, site)
    if name is None:
        return error
    cause = await crashed(name, states[name], settings)
    message = f'{cause.message} The site, service "{site}", failed as well.'
    return DeploymentFailed(cause.code, message, cause.hint, cause.lines)


async def tell_fallen(container_name: str, site: str, emit: Emit, settings: Settings) -> None:
    """Warn of each service that is down although the site answers."""
    states = await by_service(container_name, settings)
    for name in fallen(states, site):
        if not states[name].running:
            cause = await crashed(name, states[name], settings)
            text = f"The site answers, but {cause.message[0].lower()}{cause.message[1:]} {cause.hint}"
            emit(Event(EventKind.WARNING, Stage.VERIFY, text, detail={"code": "service-down", "service": name}))


async def crashed(service: str, state: ContainerState, settings: Settings) -> DeploymentFailed:
    """What a service that ended died of, by its last lines."""
    lines = await log_lines(state.id, settings, tail=_LOG_LINES)
    cause = explain(
        Stage.START,
        lines,
        exit_code=(state.exit_code or 1) if state.running else state.exit_code,
        oom_killed=state.oom_killed,
        context={"memory_limit": settings.memory_limit},
    )
    is_loop = state.running or state.restart_count >= _RESTARTS
    ended = "ends again and again" if is_loop else f"ended with code {state.exit_code} while the stack started"
    code = Code.CRASHED_AT_START if cause.code is Code.NETWORK else cause.code
    return DeploymentFailed(
        code, f'Service "{service}" {ended}. {cause.message}', cause.hint, lines[-20:] or cause.lines
    )
