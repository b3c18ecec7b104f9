"""What an app writes, as it comes: the containers' own logs as one stream of JSON lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

import docker_run
from auth import CurrentUser
from docker_run import AppLine
from routes.app_lines import AppLines
from routes.context import TheButler
from routes.deployments import Name
from routes.errors_model import error_responses

router = APIRouter(prefix="/deployments", tags=["deployments"])

HEARTBEAT_SECONDS = 15.0
_LINES = "application/x-ndjson"


@router.get(
    "/{name}/logs/live",
    summary="Follow what an app writes",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "One JSON object a line; an empty line is a sign of life. It ends with the containers.",
            "content": {
                _LINES: {
                    "schema": {"type": "string"},
                    "example": '{"seq":1705314600123456,"time":"2024-01-15T10:30:00.123456Z","service":"web",'
                    '"text":"listening on port 8000"}\n',
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
    """The last lines that the app's containers wrote, then each new one when it is written, through restarts."""
    app = await asyncio.to_thread(butler.database.deployments.owned, user.id, name)
    await docker_run.list_containers(
        butler.settings, app=app.container_name
    )  # a refusal comes before the answer begins
    batches = AppLines(butler.database, butler.settings).lines(user.id, name, tail=tail, until_ended=True)
    return StreamingResponse(_written(batches), media_type=_LINES, headers={"Cache-Control": "no-store"})


async def _written(batches: AsyncGenerator[Sequence[AppLine], None]) -> AsyncIterator[str]:
    """The batches as JSON lines, with an empty line as a sign of life where none comes for a while."""
    async with aclosing(batches):
        coming = _next(batches)
        try:
            while True:
                await asyncio.wait({coming}, timeout=HEARTBEAT_SECONDS)
                if not coming.done():
                    yield "\n"
                    continue
                lines = coming.result()
                if lines is None:
                    return
                yield "".join(_json_line(line) for line in lines)
                coming = _next(batches)
        finally:
            coming.cancel()
            await asyncio.wait({coming})


def _next(batches: AsyncGenerator[Sequence[AppLine], None]) -> asyncio.Task[Sequence[AppLine] | None]:
    async def ask() -> Sequence[AppLine] | None:
        return await anext(batches, None)

    return asyncio.create_task(ask())


def _json_line(line: AppLine) -> str:
    shown = {"seq": line.number, "time": line.time, "service": line.service, "text": line.text}
    return json.dumps(shown) + "\n"
