"""Deploying a repository, and asking what would be done with one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Header, Response, UploadFile
from fastapi.responses import JSONResponse

import env_file
import simple_pipeline
from auth import CurrentUser
from deploy_jobs import Job, Wish
from dockerfile_templates import plan_as_dict
from domain import DeployRequest, Event, Status
from robust_logging import current_trace_id
from routes.context import Butler, TheButler
from routes.deployments import view_of
from routes.errors_model import error_responses
from routes.views import DeployedView
from workspace import check_branch, check_subdirectory, container_name_for, parse_git_url

router = APIRouter(tags=["deploy"])

GitUrl = Annotated[str, Form(description="Address of the repository.", examples=["https://github.com/user/repo.git"])]
Branch = Annotated[str | None, Form(description="Branch or tag; the repository's default branch without it.")]
Folder = Annotated[str | None, Form(description="Folder in the repository that is to be deployed.")]


@router.post(
    "/deploy",
    response_model=DeployedView,
    summary="Deploy a repository",
    responses={
        202: {"model": DeployedView, "description": "Accepted; the deployment goes on (`Prefer: respond-async`)."},
        **error_responses(401, 404, 409, 413, 422, 429, 503),
    },
)
async def deploy(
    butler: TheButler,
    user: CurrentUser,
    git_url: GitUrl,
    branch: Branch = None,
    subdirectory: Folder = None,
    name: Annotated[str | None, Form(description="An app of yours to deploy again; a new one without it.")] = None,
    frontend_env: Annotated[UploadFile | None, File(description="`.env` file with variables of the build.")] = None,
    backend_env: Annotated[UploadFile | None, File(description="`.env` file with variables of the app.")] = None,
    prefer: Annotated[str | None, Header(description="`respond-async` answers at once.")] = None,
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
    job = await butler.jobs.submit(wish)
    if "respond-async" in (prefer or ""):
        return await _answer(butler, job, 202, "Deployment started.")
    await job.wait()
    if job.error is not None:
        body = {"error": job.error.as_dict(job.books.trace_id), **_numbers(job)}
        return JSONResponse(body, status_code=job.error.status)
    return await _answer(butler, job, 200, "Deployment successful!")


@router.post(
    "/api/plan",
    summary="What would be done with a repository",
    responses=error_responses(401, 422, 429, 503),
)
async def plan(
    butler: TheButler,
    user: CurrentUser,
    git_url: GitUrl,
    branch: Branch = None,
    subdirectory: Folder = None,
) -> dict[str, Any]:
    """Clone a repository and say how it would be built and run, and why; nothing is built."""
    butler.auth.limits.deploy(user.id)
    address = parse_git_url(git_url, butler.settings)
    wanted = DeployRequest(
        git_url=address.url,
        container_name=container_name_for(address),
        user_id=user.id,
        trace_id=current_trace_id(),
        branch=check_branch(branch or None) or address.branch_hint,
        subdirectory=check_subdirectory(subdirectory or None) or address.subdirectory_hint,
        github_token=butler.database.users.github_token(user.id),
    )
    found, commit = await simple_pipeline.plan_repository(wanted, _unheard, butler.settings)
    return {**plan_as_dict(found), "commit": commit.sha, "branch": commit.branch, "git_url": address.url}


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


def _unheard(_event: Event) -> None:
    """A plan is asked for by one caller, who gets it as an answer and follows no log."""
