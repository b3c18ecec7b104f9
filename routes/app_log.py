"""What an app writes, as it comes: the containers' own logs as one stream of JSON lines."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

import docker_run
from auth import CurrentUser
from docker_run import ContainerState
from robust_logging import Redactor
from routes.context import Butler, TheButler
from routes.deployments import Name
from routes.errors_model import error_responses
from routes.variables import secrets_of

router = APIRouter(prefix="/deployments", tags=["deployments"])

HEARTBEAT_SECONDS = 15.0
_MOST_WAITING = 10_000


@router.get(
    "/{name}/logs/live",
    summary="Follow what an app writes",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "One JSON object a line; an empty line is a sign of life. It ends with the containers.",
            "content": {
                "application/x-ndjson": {
                    "schema": {"type": "string"},
                    "example": '{"service":"web","text":"listening on port 8000"}\n',
                }
            },
        },
        **error_responses(401, 404, 503),
    },
)
async def follow_app_log(
    butler: TheButler,
    user: CurrentUser,
    name: Name,
    tail: Annotated[int, Query(ge=0, le=5_000, description="Lines from before to begin with.")] = 100,
) -> StreamingResponse:
    """The last lines of each of the app's containers, then each new one when it is written."""
    app = await asyncio.to_thread(butler.database.deployments.owned, user.id, name)
    states = await docker_run.list_containers(butler.settings, app=app.container_name)
    secrets = await asyncio.to_thread(secrets_of, butler.database, app, butler.settings)
    lines = _lines(butler, states, secrets, tail)
    return StreamingResponse(lines, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})


async def _lines(butler: Butler, states: list[ContainerState], secrets: list[str], tail: int) -> AsyncIterator[str]:
    """Read all containers at once. A reader who is too slow misses lines, and is told how many."""
    redactor, waiting, missed, bell = Redactor(), deque[str](), 0, asyncio.Event()

    def keep(service: str, text: str) -> None:
        nonlocal missed
        waiting.append(json.dumps({"service": service, "text": redactor.mask(text)}) + "\n")
        if len(waiting) > _MOST_WAITING:
            waiting.popleft()
            missed += 1
        bell.set()

    with redactor.hiding(secrets):
        tasks = [asyncio.create_task(_read(butler, state, keep, tail)) for state in states]
        try:
            while waiting or any(not task.done() for task in tasks):
                if missed:
                    yield json.dumps({"service": "", "text": f"({missed} lines came too fast to be shown)"}) + "\n"
                    missed = 0
                if waiting:
                    yield "".join(waiting.popleft() for _ in range(len(waiting)))
                elif await _nothing_comes(bell, tasks):
                    yield "\n"
                bell.clear()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _read(butler: Butler, state: ContainerState, keep: Callable[[str, str], None], tail: int) -> None:
    service = state.labels.get("com.docker.compose.service", "")
    await docker_run.follow_logs(state.id, lambda text: keep(service, text), butler.settings, tail=tail)


async def _nothing_comes(bell: asyncio.Event, tasks: list[asyncio.Task[None]]) -> bool:
    """Wait for a line or the end of a container; True when neither came within the time of a heartbeat."""
    ringing = asyncio.create_task(bell.wait())
    try:
        running = [task for task in tasks if not task.done()]
        done, _ = await asyncio.wait(
            [ringing, *running], timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        return not done
    finally:
        ringing.cancel()
