"""Changing an app between one container and several: what ran before makes room, and comes back where it must."""

from __future__ import annotations

import asyncio

import docker_compose
import docker_run
from docker_run import ContainerState
from settings import Settings


async def put_back(container_name: str, settings: Settings, *, start: bool = True) -> bool:
    """Where an interrupted swap set a release aside, put it back in its place; True when there was one.

    It serves again, unless it is one that was stopped before (`start`).
    """
    previous = f"{container_name}-previous"
    if await docker_run.inspect(previous, settings) is None:
        return False
    await docker_run.stop_and_remove(container_name, settings, grace_seconds=0)
    await docker_run.rename(previous, container_name, settings)
    if start:
        await docker_run.start_again(container_name, settings)
    return True


async def single_set_aside(container_name: str, settings: Settings) -> None:
    """Free the address of an app that was one container until now; fine where it was not."""
    if await docker_run.inspect(container_name, settings) is None:
        return
    await docker_run.rename(container_name, f"{container_name}-previous", settings)
    await docker_run.stop(f"{container_name}-previous", settings)


async def single_put_back(container_name: str, settings: Settings) -> bool:
    """An app that was one container serves as that again, without the stack that was to follow; False where it was not."""
    places = (container_name, f"{container_name}-previous")
    if not any([await docker_run.inspect(name, settings) for name in places]):
        return False
    for state in (await docker_compose.states(container_name, settings)).values():
        await docker_run.stop_and_remove(state.id, settings, grace_seconds=0)
    await put_back(container_name, settings)
    return True


async def single_removed(container_name: str, settings: Settings) -> None:
    """The container that was set aside is needed no more."""
    await docker_run.stop_and_remove(f"{container_name}-previous", settings, grace_seconds=0)


class StackBefore:
    """The containers of an app that was several until now and becomes one."""

    def __init__(self, states: dict[str, ContainerState], settings: Settings) -> None:
        self._states = [state for state in states.values() if state.running]
        self._all = list(states.values())
        self._settings = settings

    @classmethod
    async def of(cls, container_name: str, settings: Settings) -> StackBefore:
        """What there is of a stack; nothing for most apps."""
        return cls(await docker_compose.states(container_name, settings), settings)

    async def set_aside(self) -> None:
        """Free its addresses."""
        await asyncio.gather(*(docker_run.stop(state.id, self._settings) for state in self._states))

    async def put_back(self) -> bool:
        """What was stopped runs again; False where there was nothing."""
        for state in self._states:
            await docker_run.start_again(state.id, self._settings)
        return bool(self._states)

    async def remove(self, container_name: str) -> None:
        """It is needed no more; its volumes stay until the app goes."""
        for state in self._all:
            await docker_run.stop_and_remove(state.id, self._settings, grace_seconds=0)
        if self._all:
            await asyncio.to_thread(docker_compose.forget, container_name, self._settings)
