"""The deployments of a user: listed, looked at, cancelled, destroyed, and their logs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse

import docker_run
import simple_pipeline
from auth import CurrentUser
from database import Deployment
from domain import EventKind
from robust_error_handler import ButlerError, CommandFailed, Conflict
from robust_logging import Redactor
from routes.app_states import view_of as state_view
from routes.context import Butler, TheButler
from routes.errors_model import error_responses
from routes.variables import has_other_overrides, is_edited, secrets_of
from routes.views import AppStateView, DeploymentView, DoneView, LogLine, LogView, deployment_view

router = APIRouter(prefix="/deployments", tags=["deployments"])

Name = Annotated[str, Path(description="The deployment's name.", max_length=128, examples=["user-repo-a1b2c3d4"])]
Limit = Annotated[int, Query(ge=1, le=200, description="Most entries in the answer.")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="Entries to leave out at the beginning.")]
_LOG_PAGE = 5_000
_TEXT = "Cloning the repository\nCloning the repository: done in 1.2 s\n"
PAGING = {
    "X-Total-Count": {"description": "How many there are in all.", "schema": {"type": "integer"}, "required": True},
    "Link": {
        "description": 'Where the next page is (`rel="next"`); absent on the last one.',
        "schema": {"type": "string"},
        "example": '</deployments?limit=50&offset=50>; rel="next"',
    },
}


@router.get("", summary="List your deployments", responses={200: {"headers": PAGING}})
async def list_deployments(
    request: Request,
    response: Response,
    butler: TheButler,
    user: CurrentUser,
    limit: Limit = 50,
    offset: Offset = 0,
) -> list[DeploymentView]:
    """A page of your deployments, newest first. `X-Total-Count` tells how many there are, `Link` where the next are."""

    def read() -> tuple[list[DeploymentView], int]:
        apps, total = butler.database.deployments.list(user.id, limit=limit, offset=offset)
        return _views(butler, apps), total

    views, total = await asyncio.to_thread(read)
    await butler.states.tell(views)
    tell_pages(request, response, total=total, limit=limit, offset=offset)
    return views


@router.get("/{name}", summary="Look at a deployment", responses=error_responses(404))
async def get_deployment(butler: TheButler, user: CurrentUser, name: Name) -> DeploymentView:
    """One deployment of yours, with how it stands on the engine; somebody else's is answered like none at all."""
    return await whole_view_of(butler, user.id, name)


@router.delete("/{name}", summary="Destroy a deployment", responses=error_responses(404, 409))
async def destroy(butler: TheButler, user: CurrentUser, name: Name) -> DoneView:
    """Cancel what it is doing, and remove its containers, networks, volumes, images, logs and records."""
    app = await asyncio.to_thread(butler.database.deployments.owned, user.id, name)
    await butler.jobs.destroy(app)
    return DoneView(message="Deployment destroyed.", container_name=name)


@router.post("/{name}/cancel", summary="Cancel a running deployment", responses=error_responses(404, 409))
async def cancel(butler: TheButler, user: CurrentUser, name: Name) -> DoneView:
    """End what is being deployed, with everything that it started; the release before it goes on serving."""
    await asyncio.to_thread(butler.database.deployments.owned, user.id, name)
    if not await butler.jobs.cancel(name):
        raise Conflict(f"{name} is not being deployed.", "There is nothing to cancel.")
    return DoneView(message="Deployment cancelled.", container_name=name)


@router.get(
    "/{name}/logs",
    summary="Read a deployment's log",
    response_model=LogView,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": _TEXT}}},
        **error_responses(404),
    },
)
async def logs(
    request: Request,
    butler: TheButler,
    user: CurrentUser,
    name: Name,
    source: Annotated[
        Literal["deploy", "app"], Query(description="The deployment's log, or the app's own.")
    ] = "deploy",
    release: Annotated[int | None, Query(ge=1, le=2**31, description="Number of the release; the newest.")] = None,
    after: Annotated[int, Query(ge=0, le=2**31, description="Leave out lines up to this number.")] = 0,
    limit: Annotated[int, Query(ge=1, le=_LOG_PAGE, description="Most lines in the answer.")] = 1_000,
) -> Response | LogView:
    """The numbered lines of a release's log (`deploy`), or the last lines that the app wrote (`app`).

    With `Accept: text/plain` the answer is plain text.
    """
    app = await asyncio.to_thread(butler.database.deployments.owned, user.id, name)
    view = await (_app_log(butler, app, limit) if source == "app" else _deploy_log(butler, app, release, after, limit))
    if "text/plain" in request.headers.get("accept", ""):
        return PlainTextResponse("".join(f"{line.text}\n" for line in view.lines))
    return view


def tell_pages(request: Request, response: Response, *, total: int, limit: int, offset: int) -> None:
    """Say in headers how many entries there are, and where the next ones are."""
    response.headers["X-Total-Count"] = str(total)
    if offset + limit < total:
        following = request.url.include_query_params(limit=limit, offset=offset + limit)
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'


async def view_of(butler: Butler, user_id: int, name: str) -> DeploymentView:
    """One deployment of a user, as it stands now."""

    def read() -> DeploymentView:
        return _view(butler, butler.database.deployments.owned(user_id, name))

    return await asyncio.to_thread(read)


async def whole_view_of(butler: Butler, user_id: int, name: str) -> DeploymentView:
    """The same with what is asked for one app only: its containers, and whether its variables were edited."""

    def read() -> DeploymentView:
        app = butler.database.deployments.owned(user_id, name)
        view = _view(butler, app)
        view.env_pending = is_edited(butler.database, app)
        view.overrides_pending = has_other_overrides(butler.database, app)
        return view

    view = await asyncio.to_thread(read)
    view.app_state = await _state_of(butler, view)
    return view


async def _state_of(butler: Butler, view: DeploymentView) -> AppStateView | None:
    try:
        state = await simple_pipeline.app_state(view.container_name, butler.settings)
    except (ButlerError, CommandFailed):
        return None  # `/health` tells what is wrong with Docker
    return state_view(state, view)


def _view(butler: Butler, app: Deployment) -> DeploymentView:
    return _views(butler, [app])[0]


def _views(butler: Butler, apps: Sequence[Deployment]) -> list[DeploymentView]:
    """The apps with what their releases add, which are asked for all at once."""
    wanted = {one for app in apps for one in (app.latest_release_id, app.current_release_id) if one}
    found = butler.database.releases.by_ids(wanted)
    return [
        deployment_view(app, found.get(app.latest_release_id or 0), found.get(app.current_release_id or 0))
        for app in apps
    ]


async def _deploy_log(butler: Butler, app: Deployment, number: int | None, after: int, limit: int) -> LogView:
    releases = butler.database.releases
    row = None
    if number is not None:
        row = await asyncio.to_thread(releases.by_number, app.id, number)
    elif app.latest_release_id is not None:
        row = await asyncio.to_thread(releases.by_id, app.latest_release_id)
    entries = [] if row is None else await asyncio.to_thread(_read_log, butler, row.id, after, limit)
    lines = [LogLine(**entry) for entry in entries]
    return LogView(
        container_name=app.container_name,
        source="deploy",
        release=row.number if row else None,
        lines=lines,
        next=lines[-1].seq if lines else after,
        closed=len(lines) < limit and (row is None or row.finished_at is not None),
    )


def _read_log(butler: Butler, release_id: int, after: int, limit: int) -> list[dict[str, object]]:
    return list(butler.logs.read(release_id, after=after, limit=limit))


async def _app_log(butler: Butler, app: Deployment, limit: int) -> LogView:
    states = await docker_run.list_containers(butler.settings, app=app.container_name)
    texts: list[str] = []
    for state in sorted(states, key=lambda state: state.name):
        prefix = "" if len(states) == 1 else f"{state.labels.get('com.docker.compose.service', state.name)} | "
        tail = max(1, limit // len(states))
        texts += [prefix + line for line in await docker_run.log_lines(state.id, butler.settings, tail=tail)]
    texts = await asyncio.to_thread(_without_secrets, butler, app, texts[-limit:])
    lines = [LogLine(seq=number, time="", kind=EventKind.LINE, text=text) for number, text in enumerate(texts, start=1)]
    return LogView(
        container_name=app.container_name, source="app", release=None, lines=lines, next=len(lines), closed=False
    )


def _without_secrets(butler: Butler, app: Deployment, texts: list[str]) -> list[str]:
    """What an app wrote, without the values that it was given: logs are copied and shown around.

    The redactor is one of its own: what other apps hide at this moment must not show here.
    """
    own = Redactor()
    with own.hiding(secrets_of(butler.database, app, butler.settings)):
        return [own.mask(text) for text in texts]
