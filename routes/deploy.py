"""Deploying a repository, and asking what would be done with one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Header, Request, Response, UploadFile
from fastapi.responses import JSONResponse

import env_file
from auth import CurrentUser
from butler_file import read_overrides
from deploy_jobs import Job, Wish
from domain import Status
from robust_logging import current_trace_id
from routes.context import Butler, TheButler
from routes.deployments import view_of
from routes.errors_model import error_responses
from routes.inputs import VARIABLES, Branch, Folder, GitUrl, IdempotencyKey, Overrides
from routes.views import DEPLOYED, STARTED, DeployedView, failed_deployment
from workspace import check_branch, check_subdirectory

router = APIRouter(tags=["deploy"])

Prefer = Annotated[str | None, Header(description="`respond-async` answers at once.")]
REPLAYED = {
    "Idempotent-Replayed": {
        "description": "`true` where the answer is of an earlier request with the same key.",
        "schema": {"type": "string"},
    }
}
LOCATION = {"Location": {"description": "Address of the deployment.", "schema": {"type": "string"}}}
_NAME = {"parameters": {"name": "$response.body#/container_name"}}
_LINKS = {operation: {"operationId": operation, **_NAME} for operation in ("get_deployment", "logs", "destroy")}
_WISH = {
    "new app": {"value": {"git_url": "https://github.com/user/repo.git"}},
    "with variables": {
        "value": {"git_url": "https://github.com/user/repo.git", "branch": "main", "backend_env": "SECRET_KEY=abc123\n"}
    },
    "with overrides": {
        "value": {"git_url": "https://github.com/user/repo.git", "overrides": "run: {port: 4000}\n"},
    },
    "again": {"value": {"git_url": "https://github.com/user/repo.git", "name": "user-repo-a1b2c3d4"}},
}


def _shown(example: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"example": example}}}


DEPLOY_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "It answers at `deployed_url`.", "headers": REPLAYED, "links": _LINKS, **_shown(DEPLOYED)},
    202: {
        "model": DeployedView,
        "description": "Accepted; the deployment goes on (`Prefer: respond-async`).",
        "headers": {**LOCATION, **REPLAYED},
        "links": _LINKS,
        **_shown(STARTED),
    },
    **error_responses(404, 409, 429),
    422: failed_deployment(),
}


async def _sent_overrides(request: Request, overrides: Overrides = None) -> dict[str, Any] | None:
    """The overrides that were sent; None where the field was not there, nothing where it was empty."""
    form = await request.form()  # an empty text counts as none for the parameter
    return None if "overrides" not in form else read_overrides(overrides or "") or {}


@router.post(
    "/deploy",
    response_model=DeployedView,
    summary="Deploy a repository",
    responses=DEPLOY_RESPONSES,
    openapi_extra={"requestBody": {"content": {"multipart/form-data": {"examples": _WISH}}}},
)
async def deploy(
    butler: TheButler,
    user: CurrentUser,
    git_url: GitUrl,
    branch: Branch = None,
    subdirectory: Folder = None,
    name: Annotated[str | None, Form(description="An app of yours to deploy again; a new one without it.")] = None,
    frontend_env: Annotated[
        UploadFile | None, File(description="`.env` file with variables of the build.", json_schema_extra=VARIABLES)
    ] = None,
    backend_env: Annotated[
        UploadFile | None, File(description="`.env` file with variables of the app.", json_schema_extra=VARIABLES)
    ] = None,
    overrides: Annotated[dict[str, Any] | None, Depends(_sent_overrides)] = None,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Clone, detect, build, start and check a repository; the answer comes when its address answers.

    With `Prefer: respond-async` the answer comes at once, as 202. A client that goes away does not stop it. Sent again
    with the same `Idempotency-Key` within 24 hours, it is the same deployment, on its way or ended.
    """
    butler.auth.limits.deploy(user.id)
    wish = Wish(
        user_id=user.id,
        username=user.username,
        git_url=git_url,
        trace_id=current_trace_id(),
        name=name or None,
        branch=check_branch(branch or None),
        subdirectory=check_subdirectory(subdirectory or None),
        backend_env=await _variables(backend_env, "backend_env"),
        frontend_env=await _variables(frontend_env, "frontend_env"),
        overrides=overrides,
        key=idempotency_key,
    )
    return await answer_of(butler, await butler.jobs.submit(wish), prefer)


async def answer_of(butler: Butler, job: Job, prefer: str | None) -> Response:
    """The answer of a deployment, at its end or, where that is preferred, at once."""
    if "respond-async" in (prefer or ""):
        return await _answer(butler, job, 202, "Deployment started.")
    await job.wait()
    if job.error is not None:
        body = {"error": job.error.as_dict(job.books.trace_id), **_numbers(job)}
        return JSONResponse(body, status_code=job.error.status, headers=_told(job))
    return await _answer(butler, job, 200, "Deployment successful!")


async def _variables(upload: UploadFile | None, label: str) -> dict[str, str] | None:
    """The variables of an uploaded file; None where none was sent."""
    if upload is None:
        return None
    content = await upload.read(env_file.MAX_BYTES + 1)
    return env_file.parse(content, label)


async def _answer(butler: Butler, job: Job, status: int, message: str) -> Response:
    view = await view_of(butler, job.books.user_id, job.books.container_name)
    body = DeployedView(
        message=message,
        deployed_url=job.url or view.deployed_url,
        status=await _status_of(butler, job, status, view.status),
        deployment=view,
        **_numbers(job),
    )
    headers = {"Location": f"/deployments/{view.container_name}"} if status == 202 else {}
    return JSONResponse(body.model_dump(mode="json"), status_code=status, headers={**headers, **_told(job)})


async def _status_of(butler: Butler, job: Job, answer: int, app: Status) -> Status:
    """How the release stands: one that is asked for again may have ended, and the app have gone on."""
    if job.is_repeat:
        release = await asyncio.to_thread(butler.database.releases.by_id, job.books.release_id)
        return release.status
    return Status.STARTING if answer == 202 else app


def _told(job: Job) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if job.is_repeat else {}


def _numbers(job: Job) -> dict[str, Any]:
    books = job.books
    return {
        "container_name": books.container_name,
        "trace_id": books.trace_id,
        "release": books.number,
        "release_id": books.release_id,
    }
