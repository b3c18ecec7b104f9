"""Deploying a repository, and asking what would be done with one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Header, Response, UploadFile
from fastapi.responses import JSONResponse

import env_file
from auth import CurrentUser
from deploy_jobs import Job, Wish
from domain import Status
from robust_logging import current_trace_id
from routes.context import Butler, TheButler
from routes.deployments import view_of
from routes.errors_model import error_responses
from routes.inputs import VARIABLES, Branch, Folder, GitUrl
from routes.views import DEPLOYED, STARTED, DeployedView, failed_deployment
from workspace import check_branch, check_subdirectory

router = APIRouter(tags=["deploy"])

Prefer = Annotated[str | None, Header(description="`respond-async` answers at once.")]
LOCATION = {"Location": {"description": "Address of the deployment.", "schema": {"type": "string"}}}
_NAME = {"parameters": {"name": "$response.body#/container_name"}}
_LINKS = {operation: {"operationId": operation, **_NAME} for operation in ("get_deployment", "logs", "destroy")}
_WISH = {
    "new app": {"value": {"git_url": "https://github.com/user/repo.git"}},
    "with variables": {
        "value": {"git_url": "https://github.com/user/repo.git", "branch": "main", "backend_env": "SECRET_KEY=abc123\n"}
    },
    "again": {"value": {"git_url": "https://github.com/user/repo.git", "name": "user-repo-a1b2c3d4"}},
}


def _shown(example: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"example": example}}}


DEPLOY_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "It answers at `deployed_url`.", "links": _LINKS, **_shown(DEPLOYED)},
    202: {
        "model": DeployedView,
        "description": "Accepted; the deployment goes on (`Prefer: respond-async`).",
        "headers": LOCATION,
        "links": _LINKS,
        **_shown(STARTED),
    },
    **error_responses(404, 409, 429),
    422: failed_deployment(),
}


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
    prefer: Prefer = None,
) -> Response:
    """Clone, detect, build, start and check a repository; the answer comes when its address answers.

    With `Prefer: respond-async` the answer comes at once, as 202. A client that goes away does not stop it.
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
    )
    return await answer_of(butler, await butler.jobs.submit(wish), prefer)


async def answer_of(butler: Butler, job: Job, prefer: str | None) -> Response:
    """The answer of a deployment, at its end or, where that is preferred, at once."""
    if "respond-async" in (prefer or ""):
        return await _answer(butler, job, 202, "Deployment started.")
    await job.wait()
    if job.error is not None:
        body = {"error": job.error.as_dict(job.books.trace_id), **_numbers(job)}
        return JSONResponse(body, status_code=job.error.status)
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
        status=Status.STARTING if status == 202 else view.status,
        deployment=view,
        **_numbers(job),
    )
    headers = {"Location": f"/deployments/{view.container_name}"} if status == 202 else {}
    return JSONResponse(body.model_dump(mode="json"), status_code=status, headers=headers)


def _numbers(job: Job) -> dict[str, Any]:
    books = job.books
    return {
        "container_name": books.container_name,
        "trace_id": books.trace_id,
        "release": books.number,
        "release_id": books.release_id,
    }
