"""Images of ours in the engine: what they are, whether one can be used again, and which old ones may go."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import shell
from docker_build import command
from domain import Stage
from failure_advice import explain
from robust_error_handler import CommandFailed
from settings import Settings

_ANSWER_SECONDS = 30.0
_REMOVE_SECONDS = 120.0
_PRUNE_SECONDS = 300.0


@dataclass(frozen=True)
class Found:
    """An image that exists. `last_used` is when it was last tagged, as text that sorts by time."""

    id: str
    tags: tuple[str, ...]
    ports: tuple[int, ...]
    labels: dict[str, str]
    last_used: str


async def inspect(references: Sequence[str]) -> list[Found]:
    """Those of the images that exist, in the order asked for; one call for all."""
    lines = await _lines(command.inspect_argv(references)) if references else []
    return [_found(json.loads(line)) for line in lines if line.startswith("{")]


async def remove_old_images(container_name: str, settings: Settings, *, keep: int) -> list[str]:
    """Remove an app's images but for the newest `keep` and those that a container uses; returns the removed IDs.

    Only images that carry this Butler's own labels are looked at: never another app's, another Butler's, a user's.
    Raises DeploymentFailed when Docker does not answer.
    """
    labels = {"butler.instance": settings.instance, "butler.app": container_name}
    images = await inspect(await _ids(command.list_argv(labels)))
    newest_first = sorted({image.id: image for image in images}.values(), key=lambda image: image.last_used)[::-1]
    old = newest_first[keep:]
    used = await _in_use() if old else set()
    return [image.id for image in old if image.id not in used and await _remove(image)]


async def prune_build_cache(settings: Settings, *, unused_hours: int = 24 * 7) -> str:
    """Remove build cache that nothing used for a week; returns what Docker says of it.

    The cache belongs to everything on this host that builds, so nothing here calls this by itself.
    Raises DeploymentFailed.
    """
    argv = command.prune_cache_argv(max(unused_hours, 1))
    try:
        text = await shell.output(argv, timeout_seconds=_PRUNE_SECONDS, waiting_for="the build cache to be pruned")
    except CommandFailed as error:
        raise explain(Stage.CLEAN, error.tail) from error
    return text.strip().splitlines()[-1] if text.strip() else ""


async def _remove(image: Found) -> bool:
    """Remove an image by its tags (by its ID where it has none); False when Docker refuses because it is in use."""
    try:
        await shell.output(
            command.remove_argv(image.tags or (image.id,)),
            timeout_seconds=_REMOVE_SECONDS,
            waiting_for="an old image to be removed",
        )
    except CommandFailed:
        return False
    return True


async def _in_use() -> set[str]:
    containers = await _ids(command.containers_argv())
    # A container may go while we look: Docker then answers for the others and ends with code 1.
    return {line for line in await _lines(command.images_in_use_argv(containers)) if line} if containers else set()


async def _ids(argv: Sequence[str]) -> list[str]:
    try:
        text = await shell.output(argv, timeout_seconds=_ANSWER_SECONDS, waiting_for="Docker to list its objects")
    except CommandFailed as error:
        raise explain(Stage.CLEAN, error.tail) from error
    return text.split()


async def _lines(argv: Sequence[str]) -> list[str]:
    """The output of a question that may name things which do not exist (code 1)."""
    lines: list[str] = []
    keep: Callable[[str], None] = lines.append
    await shell.stream(
        argv, keep, timeout_seconds=_ANSWER_SECONDS, waiting_for="Docker to describe its objects", ok_codes=(0, 1)
    )
    return lines


def _found(answer: dict[str, Any]) -> Found:
    ports = sorted(int(port.partition("/")[0]) for port in answer["ports"] or {} if port.endswith("/tcp"))
    return Found(
        id=answer["id"],
        tags=tuple(answer["tags"] or ()),
        ports=tuple(ports),
        labels={name: value for name, value in answer["labels"].items() if value},
        last_used=answer["used"].removesuffix("Z"),
    )
