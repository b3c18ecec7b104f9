"""What is done to an app that was deployed: stop, start, restart, redeploy; each may be asked for again without harm."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from auth import CurrentUser
from database import User
from deploy_jobs import Deed, Done
from robust_error_handler import Conflict
from robust_logging import current_trace_id
from routes.context import Butler, TheButler
from routes.deploy import DEPLOY_RESPONSES, LOCATION, Prefer, answer_of
from routes.deployments import Name, whole_view_of
from routes.errors_model import error_responses
from routes.inputs import IdempotencyKey
from routes.views import DEPLOYED, DeployedView, DeploymentView

router = APIRouter(prefix="/deployments", tags=["deployments"])

_UNDER_WAY = {Deed.STOP: "Stopping.", Deed.START: "Starting.", Deed.RESTART: "Restarting."}
_EXAMPLE: dict[str, Any] = {
    "message": "Stopped.",
    "container_name": "user-repo-a1b2c3d4",
    "changed": True,
    "deployment": {**DEPLOYED["deployment"], "phase": "stopped", "stopped_at": "2024-01-15T11:00:00Z"},
}


class DeedView(BaseModel):
    """What came of a deed, and how the app stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    message: str
    container_name: str
    changed: bool | None = Field(None, description="False where it was so already; null while it is not known yet.")
    deployment: DeploymentView


_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "It is done.", "content": {"application/json": {"example": _EXAMPLE}}},
    202: {
        "model": DeedView,
        "description": "Accepted; it is being done (`Prefer: respond-async`).",
        "headers": LOCATION,
        "content": {"application/json": {"example": {**_EXAMPLE, "message": "Stopping.", "changed": None}}},
    },
    **error_responses(404, 409, 422, 503),
}


@router.post("/{name}/stop", summary="Stop an app", response_model=DeedView, responses=_RESPONSES)
async def stop(butler: TheButler, user: CurrentUser, name: Name, prefer: Prefer = None) -> Response:
    """Stop all of an app's containers, for good; its address, variables and volumes stay."""
    return await _do(butler, user, name, Deed.STOP, prefer)


@router.post("/{name}/start", summary="Start an app again", response_model=DeedView, responses=_RESPONSES)
async def start(butler: TheButler, user: CurrentUser, name: Name, prefer: Prefer = None) -> Response:
    """Start an app that was stopped, at its address; the answer comes when that answers. Where not, it is stopped."""
    return await _do(butler, user, name, Deed.START, prefer)


@router.post("/{name}/restart", summary="Restart an app", response_model=DeedView, responses=_RESPONSES)
async def restart(butler: TheButler, user: CurrentUser, name: Name, prefer: Prefer = None) -> Response:
    """Stop all of an app's containers and start them again; the answer comes when its address answers.

    The variables stay those of the live release: `redeploy` takes the edited ones.
    """
    return await _do(butler, user, name, Deed.RESTART, prefer)


@router.post("/{name}/redeploy", summary="Deploy an app again", response_model=DeployedView, responses=DEPLOY_RESPONSES)
async def redeploy(
    butler: TheButler, user: CurrentUser, name: Name, prefer: Prefer = None, idempotency_key: IdempotencyKey = None
) -> Response:
    """Deploy the same repository, branch and folder with the variables and overrides as they are now.

    A release of the app that still waits and would do the same is joined, and so is that of the same `Idempotency-Key`.
    """
    butler.auth.limits.deploy(user.id)
    app = await asyncio.to_thread(butler.database.deployments.owned, user.id, name)
    job = await butler.jobs.redeploy(app, username=user.username, trace_id=current_trace_id(), key=idempotency_key)
    return await answer_of(butler, job, prefer)


async def _do(butler: Butler, user: User, name: str, deed: Deed, prefer: str | None) -> Response:
    app = await asyncio.to_thread(butler.database.deployments.owned, user.id, name)
    task = butler.jobs.begin(app, deed, username=user.username, trace_id=current_trace_id())
    is_async = "respond-async" in (prefer or "")
    done = None if is_async else await _end_of(task, name)
    body = DeedView(
        message=_UNDER_WAY[deed] if done is None else done.message,
        container_name=name,
        changed=None if done is None else done.changed,
        deployment=await whole_view_of(butler, user.id, name),
    )
    headers = {"Location": f"/deployments/{name}"} if is_async else {}
    return JSONResponse(body.model_dump(mode="json"), status_code=202 if is_async else 200, headers=headers)


async def _end_of(task: asyncio.Task[Done], name: str) -> Done:
    """What came of a deed; a client that goes away does not stop it."""
    await asyncio.wait({task})
    if task.cancelled():
        raise Conflict(f"That was ended: {name} is being destroyed, or the Butler stops.", "Look at the app again.")
    return task.result()
