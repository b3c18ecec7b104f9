"""What the API answers with: the document's fields, and more beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from database import Deployment, Release
from domain import Status


class StepView(BaseModel):
    """One of the nine steps of a release."""

    stage: str
    state: str = Field(description="`running`, `done` or `failed`.")
    seconds: float | None = Field(None, description="How long it took, once it has ended.")


class FailureView(BaseModel):
    """What the newest release failed of."""

    code: str
    message: str
    hint: str
    lines: list[str]


class DeploymentView(BaseModel):
    """An app as its user sees it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": 1,
                "container_name": "my-app-abc12345",
                "git_url": "https://github.com/user/repo",
                "status": "success",
                "deployed_url": "http://localhost:8080",
                "created_at": "2026-01-15T10:30:00Z",
                "updated_at": "2026-01-15T10:31:00Z",
                "phase": "live",
                "trace_id": "trace-123",
            }
        }
    )

    id: int
    container_name: str
    git_url: str
    status: Status
    deployed_url: str | None
    created_at: datetime
    updated_at: datetime
    phase: str = Field(description="The step that is under way, or `queued`, `live`, `failed`, `stopped`, `deleting`.")
    branch: str | None = None
    subdirectory: str | None = None
    strategy: str | None = None
    framework: str | None = None
    container_port: int | None = None
    host_port: int | None = None
    commit_sha: str | None = None
    commit_subject: str | None = None
    trace_id: str = ""
    release: int | None = Field(None, description="Number of the newest release.")
    release_id: int | None = None
    live_release: int | None = Field(None, description="Number of the release that serves.")
    steps: list[StepView] = []
    error: FailureView | None = Field(None, description="What the newest release failed of, if it did.")


class DeployedView(BaseModel):
    """The answer of a deployment: the document's four fields, and the app."""

    message: str
    deployed_url: str | None
    container_name: str
    trace_id: str
    status: Status
    release: int
    release_id: int
    deployment: DeploymentView


class DoneView(BaseModel):
    """The answer of a deed that leaves nothing to show."""

    message: str
    container_name: str


class LogLine(BaseModel):
    """One numbered line of a log."""

    seq: int
    time: str
    kind: str
    stage: str | None = None
    text: str
    seconds: float | None = None
    detail: dict[str, Any] = {}


class LogView(BaseModel):
    """A piece of a log. `next` is what to give as `after` for the piece that follows."""

    container_name: str
    source: str
    release: int | None
    lines: list[LogLine]
    next: int
    closed: bool = Field(description="Whether nothing more will come.")


def deployment_view(app: Deployment, latest: Release | None, live: Release | None) -> DeploymentView:
    """The app with what its newest and its live release add."""
    failure = None
    if latest is not None and latest.error_code:
        failure = FailureView(
            code=latest.error_code,
            message=latest.error_message or "",
            hint=latest.error_hint or "",
            lines=latest.error_lines or [],
        )
    fields = {name: getattr(app, name) for name in DeploymentView.model_fields if hasattr(app, name)}
    return DeploymentView(
        **fields,
        release=latest.number if latest else None,
        release_id=latest.id if latest else None,
        live_release=live.number if live else None,
        steps=[StepView(**step) for step in (latest.steps if latest else [])],
        error=failure,
    )
