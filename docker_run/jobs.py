"""A container that does one thing and ends: its lines are handed on as they come, and nothing of it stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from settings import Settings

from .command import RunSpec
from .containers import start_container, stop_and_remove
from .engine import ask
from .state import follow_logs, inspect


@dataclass(frozen=True)
class Ended:
    """How a job ended; `exit_code` is None where its time was over first."""

    exit_code: int | None
    lines: tuple[str, ...]
    oom_killed: bool = False


async def run_to_its_end(
    spec: RunSpec, on_line: Callable[[str], None], settings: Settings, *, timeout_seconds: float
) -> Ended:
    """Start a container, follow it until it ends, and remove it in every case. Raises as `start_container` does."""
    lines: list[str] = []

    def keep(line: str) -> None:
        lines.append(line)
        on_line(line)

    try:
        async with asyncio.timeout(timeout_seconds):
            container = await start_container(spec, settings)
            await follow_logs(container.id, keep, settings, tail=10_000, timeout_seconds=timeout_seconds)
            await ask(["docker", "wait", container.id], waiting_for="a job to end")
            state = await inspect(container.id, settings)
        ended = (None, False) if state is None else (state.exit_code, state.oom_killed)
        return Ended(ended[0], tuple(lines), ended[1])
    except TimeoutError:
        return Ended(None, tuple(lines))
    finally:
        await asyncio.shield(stop_and_remove(spec.name, settings, grace_seconds=0))
