"""The releases of an app: every attempt to put a version of it live, whether it succeeded or not."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auth import CurrentUser
from database import Deployment, Release
from domain import Status, Trigger
from routes.context import TheButler
from routes.deployments import PAGING, Limit, Name, Offset, tell_pages
from routes.errors_model import error_responses
from routes.views import FailureView, StepView

router = APIRouter(prefix="/deployments/{name}/releases", tags=["releases"])

_EXAMPLE: dict[str, Any] = {
    "number": 3,
    "id": 12,
    "status": "success",
    "phase": "live",
    "is_live": True,
    "trigger": "redeploy",
    "branch": "main",
    "subdirectory": None,
    "overrides": {"run": {"port": 4000}},
    "commit_sha": "0123456789abcdef0123456789abcdef01234567",
    "commit_subject": "Say hello",
    "commit_author": "Alice",
    "image_reused": False,
    "url": "http://localhost:8080",
    "trace_id": "5f2a6d0c9e1b4a375f2a6d0c9e1b4a37",
    "created_at": "2024-01-15T10:30:00Z",
    "finished_at": "2024-01-15T10:30:48Z",
    "seconds": 48.1,
    "steps": [{"stage": "clone", "state": "done", "seconds": 1.204}],
    "error": None,
}


class ReleaseView(BaseModel):
    """One attempt to put a version of an app live."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    number: int
    id: int
    status: Status
    phase: str
    is_live: bool = Field(description="Whether this is the release that serves.")
    trigger: Trigger
    branch: str | None = None
    subdirectory: str | None = None
    overrides: dict[str, Any] | None = Field(None, description="What beat butler.yml and what was detected.")
    commit_sha: str | None = None
    commit_subject: str | None = None
    commit_author: str | None = None
    image_reused: bool | None = Field(None, description="Whether nothing had to be built.")
    url: str | None = None
    trace_id: str = ""
    created_at: datetime
    finished_at: datetime | None = None
    seconds: float | None = Field(None, description="How long it took, with the wait for its turn; null while it runs.")
    steps: list[StepView] = []
    error: FailureView | None = None


class ReleaseDetailView(ReleaseView):
    """The same with how the repository was understood."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_EXAMPLE, "plan": {"strategy": "node", "port": 3000}}]}
    )

    plan: dict[str, Any] | None = Field(
        None, description="As `POST /api/plan` tells it; null where it was not found out."
    )


@router.get("", summary="List an app's releases", responses={200: {"headers": PAGING}, **error_responses(404)})
def list_releases(
    request: Request,
    response: Response,
    butler: TheButler,
    user: CurrentUser,
    name: Name,
    limit: Limit = 50,
    offset: Offset = 0,
) -> list[ReleaseView]:
    """A page of an app's releases, newest first."""
    app = butler.database.deployments.owned(user.id, name)
    rows, total = butler.database.releases.list(app.id, limit=limit, offset=offset)
    tell_pages(request, response, total=total, limit=limit, offset=offset)
    return [ReleaseView(**_fields(app, row)) for row in rows]


@router.get("/{number}", summary="Look at a release", responses=error_responses(404))
def get_release(
    butler: TheButler,
    user: CurrentUser,
    name: Name,
    number: Annotated[int, Path(ge=1, le=2**31, description="The release's number.", examples=[1])],
) -> ReleaseDetailView:
    """One release. Its log is at `GET /deployments/{name}/logs?release={number}`."""
    app = butler.database.deployments.owned(user.id, name)
    row = butler.database.releases.by_number(app.id, number)
    return ReleaseDetailView(**_fields(app, row), plan=row.plan)


def _fields(app: Deployment, row: Release) -> dict[str, Any]:
    seconds = None if row.finished_at is None else round((row.finished_at - row.created_at).total_seconds(), 3)
    return {
        **{name: getattr(row, name) for name in ReleaseView.model_fields if name in type(row).model_fields},
        "is_live": row.id == app.current_release_id,
        "seconds": seconds,
        "steps": [StepView(**step) for step in row.steps],
        "error": _failure(row),
    }


def _failure(row: Release) -> FailureView | None:
    if not row.error_code:
        return None
    return FailureView(
        code=row.error_code, message=row.error_message or "", hint=row.error_hint or "", lines=row.error_lines or []
    )
