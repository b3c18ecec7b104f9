"""The life of an app's container: started, looked at, stopped, renamed and removed; only ever one of our own."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from domain import RunningContainer
from failure_advice import is_host_port_taken
from robust_error_handler import Code, CommandFailed, Conflict, DeploymentFailed, NotFound
from settings import Settings

from .command import (
    RunSpec,
    app_url,
    check_environment,
    connect_argvs,
    env_file_text,
    rejoin_argvs,
    run_argv,
    split_environment,
)
from .engine import ask, engine_facts, said_by
from .networks import ensure_networks, remove_networks
from .refusals import is_missing, refusal
from .state import ContainerState, inspect, list_containers

_START_ATTEMPTS = 3
_HICCUP_SECONDS = 0.5
_GONE_QUESTIONS = 150
_GONE_PAUSE_SECONDS = 0.1


async def start_container(spec: RunSpec, settings: Settings) -> RunningContainer:
    """Start a container and say where it is published; an earlier one of ours with the same name is replaced.

    What a failed attempt left half-made is removed. Raises PortTaken when the host port is in use,
    DeploymentFailed for everything else that Docker refuses.
    """
    check_environment(spec.env)
    for attempt in range(1, _START_ATTEMPTS + 1):
        try:
            return await _start(spec, settings)
        except CommandFailed as error:
            await _remove_half_made(spec, settings, error)
            if attempt == _START_ATTEMPTS or not await _cured(spec, settings, error):
                raise refusal(error, spec.host_port) from error
        except asyncio.CancelledError:
            await stop_and_remove(spec.name, settings, grace_seconds=0)
            raise
    raise AssertionError("unreachable: the last attempt returns or raises")


async def stop_and_remove(name: str, settings: Settings, *, grace_seconds: int | None = None) -> bool:
    """Stop and remove a container with its unnamed volumes. False when there is none of ours by that name."""
    state = await inspect(name, settings)
    if state is None:
        return False
    if state.status in ("running", "restarting", "paused") and grace_seconds != 0:
        await _if_there(_stop_argv(state.id, settings, grace_seconds), settings)
    await _if_there(["docker", "rm", "--force", "--volumes", state.id], settings)
    return True


async def stop(name: str, settings: Settings) -> ContainerState:
    """Stop a container for good: it stays stopped when the engine or the machine restarts."""
    state = await _ours(name, settings)
    await ask(["docker", "update", "--restart", "no", state.id], waiting_for="a container to be told to stay down")
    await ask(_stop_argv(state.id, settings), waiting_for="a container to stop", timeout_seconds=_patience(settings))
    return await _ours(state.id, settings)


async def start_again(name: str, settings: Settings, *, keep: bool = True) -> ContainerState:
    """Start a container that was stopped, on the same address. Raises PortTaken when that is in use by now.

    `keep` has the engine restart it from now on; without it that waits until the app has proved itself.
    """
    state = await _ours(name, settings)
    start = ["docker", "start", state.id]
    try:
        try:
            await ask(start, waiting_for="a container to start")
        except CommandFailed as error:
            if not _lacks_network(error):
                raise
            await _rejoin(state, settings)
            await ask(start, waiting_for="a container to start")
    except CommandFailed as error:
        raise refusal(error, next(iter(state.wanted_ports.values()), None)) from error
    if keep:
        await keep_running(state.id, settings)
    return await _ours(state.id, settings)


async def restart(name: str, settings: Settings) -> ContainerState:
    """Stop a container and start it again at once."""
    state = await _ours(name, settings)
    argv = ["docker", "restart", "-t", str(settings.stop_grace_seconds), state.id]
    await ask(argv, waiting_for="a container to restart", timeout_seconds=_patience(settings))
    return await _ours(state.id, settings)


async def keep_running(name: str, settings: Settings) -> None:
    """From now on the engine itself restarts the container: after a crash, its own restart and a reboot.

    `always` and not `unless-stopped`: the latter leaves containers down when the engine itself is killed.
    """
    state = await _ours(name, settings)
    await ask(["docker", "update", "--restart", "always", state.id], waiting_for="a restart policy to be set")


async def rename(old: str, new: str, settings: Settings) -> None:
    """Give a container another name; fine when it has it already."""
    state = await inspect(old, settings)
    if state is None and await inspect(new, settings) is not None:
        return
    await ask(["docker", "rename", (await _ours(old, settings)).id, new], waiting_for="a container to be renamed")


async def remove_app(container_name: str, user_id: int, settings: Settings) -> list[str]:
    """Remove all of an app's containers, its network, and its user's network when nothing is left on it.

    Returns the names of the removed containers. Absent things are fine.
    """
    states = await list_containers(settings, app=container_name)
    await asyncio.gather(*(stop_and_remove(state.id, settings) for state in states))
    await remove_networks(container_name, user_id, settings)
    return [state.name for state in states]


async def _start(spec: RunSpec, settings: Settings) -> RunningContainer:
    facts = await engine_facts()
    by_name, in_file = split_environment(spec.env)
    async with _env_file(in_file, settings) as env_file:
        argv = run_argv(spec, settings, facts, env_file=env_file)
        try:
            container_id = (await ask(argv, waiting_for="a container to start", env=by_name)).strip()
        except OSError as error:
            raise _too_much(error) from error
    if not facts.several_networks:
        for connect in connect_argvs(spec):
            await ask(connect, waiting_for="a container to join its networks")
        await ask(["docker", "start", container_id], waiting_for="a container to start")
    return await _published(spec, container_id, settings)


async def _published(spec: RunSpec, container_id: str, settings: Settings) -> RunningContainer:
    host_port = spec.host_port
    if spec.container_port is not None and host_port is None:
        state = await inspect(container_id, settings)
        host_port = state.ports.get(spec.container_port) if state else None
    published = host_port if spec.container_port is not None else None
    return RunningContainer(
        id=container_id,
        name=spec.name,
        image_id=spec.image_id,
        container_port=spec.container_port,
        host_port=published,
        url=None if published is None else app_url(published, settings),
    )


async def _cured(spec: RunSpec, settings: Settings, error: CommandFailed) -> bool:
    """Put right what another attempt would stumble over again; False when that is beyond us."""
    said = said_by(error)
    if "is already in use by container" in said:
        if await inspect(spec.name, settings) is not None:
            return await stop_and_remove(spec.name, settings)
        raise Conflict(
            f"A container named {spec.name!r} exists that this Butler did not make.",
            "Remove or rename it on the server, then deploy again.",
        ) from error
    if "adding interface" in said and "to bridge" in said:
        await asyncio.sleep(_HICCUP_SECONDS)  # the engine's own race, seen under load
        return True
    if _lacks_network(error):
        app, user = spec.labels.get("butler.app", spec.alias), spec.labels.get("butler.user", "0")
        await ensure_networks(app, int(user), settings)
        return True
    return spec.host_port is None and is_host_port_taken([said])  # Docker's own choice; it makes another


def _lacks_network(error: CommandFailed) -> bool:
    said = said_by(error)
    return "network" in said and "not found" in said


async def _rejoin(state: ContainerState, settings: Settings) -> None:
    """Put a container that does not run on the app's networks, which were removed (`docker network prune`) and made anew.

    It knows a network by its id, so also one of the same name must be left and joined.
    """
    app, user_id = state.labels.get("butler.app", state.name), int(state.labels.get("butler.user", "0"))
    names = await ensure_networks(app, user_id, settings)
    for argv in rejoin_argvs(state.id, app, names):
        await ask(argv, waiting_for="a container to join its networks")


async def _remove_half_made(spec: RunSpec, settings: Settings, error: CommandFailed) -> None:
    if "is already in use by container" not in said_by(error):
        await stop_and_remove(spec.name, settings, grace_seconds=0)


@asynccontextmanager
async def _env_file(variables: Mapping[str, str], settings: Settings) -> AsyncIterator[Path | None]:
    """A file that only we can read, there for as long as docker reads it; None when there is nothing to put in."""
    if not variables:
        yield None
        return
    path = await asyncio.to_thread(_write_env_file, env_file_text(variables), settings.work_dir)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _write_env_file(text: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix="env-", dir=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        file.write(text)
    return Path(name)


async def _ours(name: str, settings: Settings) -> ContainerState:
    state = await inspect(name, settings)
    if state is None:
        raise NotFound(f"There is no container {name!r} of this Butler.", "Deploy the app again to get a new one.")
    return state


def _stop_argv(container_id: str, settings: Settings, grace_seconds: int | None = None) -> list[str]:
    grace = settings.stop_grace_seconds if grace_seconds is None else grace_seconds
    return ["docker", "stop", "-t", str(grace), container_id]


def _patience(settings: Settings) -> float:
    return settings.stop_grace_seconds + 60.0


async def _if_there(argv: list[str], settings: Settings) -> None:
    try:
        await ask(argv, waiting_for="a container to go", timeout_seconds=_patience(settings))
    except CommandFailed as error:
        if "already in progress" in said_by(error):
            await _until_gone(argv[-1], settings)
        elif not is_missing(error):
            raise


async def _until_gone(container_id: str, settings: Settings) -> None:
    """Somebody else is removing it at this moment; its name and port are free only a little later."""
    for _ in range(_GONE_QUESTIONS):
        if await inspect(container_id, settings) is None:
            return
        await asyncio.sleep(_GONE_PAUSE_SECONDS)
    raise DeploymentFailed(
        Code.DOCKER_DOWN,
        "Docker does not get a container removed.",
        "Look at the engine on the server (`docker ps --all`), then try again.",
    )


def _too_much(error: OSError) -> DeploymentFailed:
    return DeploymentFailed(
        Code.INVALID_ENV_FILE,
        f"The variables cannot be handed to Docker: {error.strerror}.",
        "Shorten them; ship large values as files of the repository.",
    )
