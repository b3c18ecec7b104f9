"""Stops a stack that is there and starts it again, from the file that was kept when it was last verified."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import shell
from docker_compose import running
from docker_compose.blame import by_service
from docker_compose.resolving import PINNED_ENVIRONMENT, engine_environment
from docker_compose.running import NO_FILE, STOP_SECONDS, Facts, read_final
from docker_compose.stack import app_folder, project_of
from docker_run import ContainerState, ask
from domain import Emit, RunningContainer
from robust_error_handler import Conflict
from settings import Settings

CURRENT = "compose.json"
SITE_POLICY = "always"
_COMMAND_SECONDS = 180


def stop_argv(project: str, file: Path) -> list[str]:
    """`docker compose stop` of all services of a final file, those that others need last."""
    return [
        *("docker", "compose", "--ansi", "never", "--project-name", project, "--file", str(file)),
        *("--project-directory", str(file.parent), "--env-file", str(NO_FILE), "stop", "--timeout", str(STOP_SECONDS)),
    ]


async def stop(container_name: str, settings: Settings) -> None:
    """Stop every service, for good: they stay stopped when the engine or the machine restarts. Volumes stay."""
    states = await by_service(container_name, settings)
    for state in states.values():
        await _set_policy(state, "no")
    await _stop(container_name, settings)


async def start(container_name: str, user_id: int, emit: Emit, settings: Settings) -> RunningContainer:
    """Start every service as it was when the stack was last verified, on the same address; one-shot jobs run again.

    Returns the site's container: up, but not yet asked over HTTP. Call `resume_policies` once it has answered.
    Raises PortTaken, DeploymentFailed; Conflict where nothing was kept to start from.
    """
    file = app_folder(container_name, settings) / CURRENT
    final = await asyncio.to_thread(read_final, file)
    if final is None:
        raise Conflict("The files of this stack are gone.", "Deploy the app again.")
    return await running.start(file, facts_in(final, container_name, user_id), emit, settings)


async def restart(container_name: str, user_id: int, emit: Emit, settings: Settings) -> RunningContainer:
    """Stop every service and start all of them again."""
    await stop(container_name, settings)
    return await start(container_name, user_id, emit, settings)


async def resume_policies(container_name: str, settings: Settings) -> None:
    """Have the engine itself restart the services again, as the file says; the site always."""
    final = await asyncio.to_thread(read_final, app_folder(container_name, settings) / CURRENT) or {}
    site = (final.get("x-butler") or {}).get("site")
    services: Mapping[str, Any] = final.get("services") or {}
    for service, state in (await by_service(container_name, settings)).items():
        policy = SITE_POLICY if service == site else str((services.get(service) or {}).get("restart") or "no")
        if state.restart_policy != policy.partition(":")[0]:
            await _set_policy(state, policy)


async def site_of_stack(container_name: str, settings: Settings) -> str | None:
    """The service that is the app's site; None for an app that is no stack, or was never verified."""
    final = await asyncio.to_thread(read_final, app_folder(container_name, settings) / CURRENT)
    return None if final is None else str(final["x-butler"]["site"])


def facts_in(final: Mapping[str, Any], container_name: str, user_id: int) -> Facts:
    """What a final file says about itself."""
    own = final["x-butler"]
    return Facts(container_name, user_id, own["site"], own["publisher"], own["container_port"], own["host_port"])


async def _set_policy(state: ContainerState, policy: str) -> None:
    await ask(["docker", "update", "--restart", policy, state.id], waiting_for="a restart policy to be set")


async def _stop(container_name: str, settings: Settings) -> None:
    file = app_folder(container_name, settings) / CURRENT
    if await asyncio.to_thread(file.exists):
        await shell.output(
            stop_argv(project_of(container_name, settings), file),
            timeout_seconds=_COMMAND_SECONDS,
            waiting_for="the stack to stop",
            env={**PINNED_ENVIRONMENT, **engine_environment(), "DOCKER_CLI_HINTS": "false"},
        )
    for state in (await by_service(container_name, settings)).values():
        if state.status in ("running", "restarting", "paused"):  # not in the file (any more)
            argv = ["docker", "stop", "-t", str(STOP_SECONDS), state.id]
            await ask(argv, waiting_for="a container to stop", timeout_seconds=STOP_SECONDS + 60.0)
