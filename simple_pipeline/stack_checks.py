"""Checks of a stack's site: given up early where a service beside it is lost, and blamed on the one that fell first."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import docker_compose
import docker_run
from docker_compose import ComposeStack
from domain import Healthcheck, RunningContainer
from robust_error_handler import ButlerError, Code, CommandFailed, DeploymentFailed
from settings import Settings

Result = TypeVar("Result")
LOOK_SECONDS = 2.0
_ANSWER_SECONDS = 5.0


async def or_its_cause(
    checking: Coroutine[Any, Any, Result],
    container: RunningContainer,
    stack: ComposeStack,
    settings: Settings,
    check: Healthcheck | None = None,
) -> Result:
    """What a check of the site gives; where it fails, the site's failure or the one of the service that ended before it.

    A site that answers with server errors only, beside a service that will not come back, is not waited for.
    """
    waiting = asyncio.create_task(checking)
    watching = asyncio.create_task(_until_hopeless(container, stack, settings, check))
    try:
        await asyncio.wait({waiting, watching}, return_when=asyncio.FIRST_COMPLETED)
        return await (waiting if waiting.done() else watching)
    except DeploymentFailed as error:
        raise await docker_compose.root_cause(stack, error, settings) from error
    finally:
        waiting.cancel()
        watching.cancel()
        await asyncio.gather(waiting, watching, return_exceptions=True)


async def _until_hopeless(
    container: RunningContainer, stack: ComposeStack, settings: Settings, check: Healthcheck | None
) -> NoReturn:
    """Fail when the site answered with a server error, and the same service was lost, two times in a row."""
    before: str | None = None
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        status = await _server_error(container, settings, check)
        lost = await _lost(stack, settings) if status else None
        if lost is not None and lost == before:
            raise DeploymentFailed(
                Code.NOT_ANSWERING,
                f"The site answers every request with the server error {status}.",
                f'See why service "{lost}" ended; deploy again when it stays up.',
            )
        before = lost


async def _server_error(container: RunningContainer, settings: Settings, check: Healthcheck | None) -> int | None:
    if container.host_port is None:
        return None
    address = docker_run.probe_address(settings.publish_address)
    _, status = await docker_run.probe(address, container.host_port, timeout_seconds=_ANSWER_SECONDS, check=check)
    return status if status is not None and status >= 500 else None


async def _lost(stack: ComposeStack, settings: Settings) -> str | None:
    try:
        return await docker_compose.lost_service(stack, settings)
    except (ButlerError, CommandFailed):
        return None  # the check itself asks Docker too, and says what is wrong with it
