"""What the API answers with: the document's fields, and more beside them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from database import Deployment, Release
from domain import EventKind, Kind, Stage, Status
from robust_error_handler import Code
from routes.errors_model import ErrorBody, described, example
from simple_pipeline import AppState, Condition

_TIMES = {"created_at": "2024-01-15T10:30:00Z", "updated_at": "2024-01-15T10:31:12Z"}
_APP: dict[str, Any] = {
    "id": 1,
    "container_name": "user-repo-a1b2c3d4",
    "git_url": "https://github.com/user/repo",
    "status": "success",
    "deployed_url": "http://localhost:8080",
    **_TIMES,
    "phase": "live",
    "branch": "main",
    "subdirectory": None,
    "strategy": "node",
    "framework": "express",
    "container_port": 3000,
    "host_port": 8080,
    "commit_sha": "0123456789abcdef0123456789abcdef01234567",
    "commit_subject": "Say hello",
    "trace_id": "5f2a6d0c9e1b4a375f2a6d0c9e1b4a37",
    "release": 1,
    "release_id": 12,
    "live_release": 1,
    "steps": [
        {"stage": "clone", "state": "done", "seconds": 1.204},
        {"stage": "build", "state": "done", "seconds": 41.87},
    ],
    "error": None,
    "stopped_at": None,
    "overrides": None,
    "env_pending": False,
    "overrides_pending": False,
    "app_state": {
        "state": "running",
        "since": "2024-01-15T10:31:10Z",
        "restart_count": 0,
        "exit_code": None,
        "oom_killed": False,
        "services": [
            {
                "service": "",
                "is_site": True,
                "state": "running",
                "since": "2024-01-15T10:31:10Z",
                "restart_count": 0,
                "exit_code": None,
            }
        ],
    },
}
_NUMBERS = {name: _APP[name] for name in ("container_name", "trace_id", "release", "release_id")}
DEPLOYED: dict[str, Any] = {
    "message": "Deployment successful!",
    "deployed_url": "http://localhost:8080",
    "status": "success",
    **_NUMBERS,
    "deployment": _APP,
}
STARTED: dict[str, Any] = {
    "message": "Deployment started.",
    "deployed_url": None,
    "status": "starting",
    **_NUMBERS,
    "deployment": {
        **_APP,
        **dict.fromkeys(("strategy", "framework", "container_port", "host_port", "deployed_url", "live_release")),
        **dict.fromkeys(("commit_sha", "commit_subject")),
        "status": "starting",
        "phase": "queued",
        "steps": [],
    },
}
_FAILED_BUILD = example(
    Code.DEPENDENCY_NOT_FOUND,
    "The package left-padd does not exist.",
    "Correct its name in package.json.",
    ("npm error 404 Not Found - GET left-padd",),
    **_NUMBERS,
)
_WRONG_ENV_FILE = example(
    Code.INVALID_ENV_FILE,
    "backend_env has a mistake and was not used: line 3: not of the form KEY=value, or a quote that does not end.",
    "Write one KEY=value a line; quote a value that spans lines or has spaces around it.",
    ("line 3: not of the form KEY=value, or a quote that does not end",),
)

WRONG_OVERRIDES = example(
    Code.OVERRIDES_INVALID,
    "overrides:2: run.comand is not a key; did you mean run.command?",
    "Correct the lines shown and send it again; docs/butler.schema.json lists every key.",
    ("overrides:2: run.comand is not a key; did you mean run.command?",),
)
_KEY_REUSED = example(
    Code.IDEMPOTENCY_KEY_REUSED,
    "This Idempotency-Key was used for another request.",
    "Send a new key with what is new; the same one only with the very same request.",
)


class StepView(BaseModel):
    """One of the nine steps of a release."""

    stage: Stage
    state: Literal["running", "done", "failed"]
    seconds: float | None = Field(None, description="How long it took, once it has ended.")


class FailureView(BaseModel):
    """What the newest release failed of."""

    code: str
    message: str
    hint: str
    lines: list[str]


class ServiceView(BaseModel):
    """One container of an app."""

    service: str = Field(description="The service's name; empty for an app that is no stack.")
    is_site: bool
    state: Condition
    since: datetime | None = Field(None, description="Since when it runs, or does not.")
    restart_count: int = Field(description="How often the engine has restarted it by itself.")
    exit_code: int | None = None


class AppStateView(BaseModel):
    """How an app stands on the engine: its site, and every container."""

    state: Condition
    since: datetime | None = None
    restart_count: int
    exit_code: int | None = None
    oom_killed: bool
    services: list[ServiceView]

    @classmethod
    def of(cls, state: AppState) -> AppStateView:
        """The part of an app's state that its user sees."""
        services = [ServiceView.model_validate(one, from_attributes=True) for one in state.services]
        site = state.site
        return cls(
            state=site.state,
            since=site.since,
            restart_count=site.restart_count,
            exit_code=site.exit_code,
            oom_killed=site.oom_killed,
            services=services,
        )


class DeploymentView(BaseModel):
    """An app as its user sees it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_APP]})

    id: int
    container_name: str
    git_url: str
    status: Status
    deployed_url: str | None = None
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
    error: FailureView | None = Field(
        None, description="What the newest release failed of, or the newest start, if it did."
    )
    stopped_at: datetime | None = Field(None, description="Since when it is stopped on purpose.")
    env_pending: bool | None = Field(
        None, description="Whether its variables were edited since the live release; not told in lists."
    )
    overrides: dict[str, Any] | None = Field(
        None, description="What beats butler.yml and what is detected at the next deployment, with that file's keys."
    )
    overrides_pending: bool | None = Field(
        None, description="Whether the live release has other overrides; not told in lists."
    )
    app_state: AppStateView | None = Field(
        None, description="Its containers, in lists as they stood a moment ago; not told where Docker does not answer."
    )


class DeployedView(BaseModel):
    """The answer of a deployment: the document's four fields, and the app."""

    message: str
    deployed_url: str | None = None
    container_name: str
    trace_id: str
    status: Status
    release: int
    release_id: int
    deployment: DeploymentView


class DeployFailure(ErrorBody):
    """The error of a deployment. Where it was on record already, the app's name and the release stand beside it."""

    model_config = ConfigDict(title="DeployError")

    container_name: str | None = None
    trace_id: str | None = None
    release: int | None = None
    release_id: int | None = None


class DoneView(BaseModel):
    """The answer of a deed that leaves nothing to show."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"message": "Deployment destroyed.", "container_name": "user-repo-a1b2c3d4"}]}
    )

    message: str
    container_name: str


class LogLine(BaseModel):
    """One numbered line of a log. `detail` holds the error of a `failure`, and the address of `done`."""

    seq: int
    time: str = Field(description="When it was written; empty in the app's own log.")
    kind: EventKind
    stage: Stage | None = None
    text: str
    seconds: float | None = None
    detail: dict[str, Any] = {}


class LogView(BaseModel):
    """A piece of a log. `next` is what to give as `after` for the piece that follows."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "container_name": "user-repo-a1b2c3d4",
                    "source": "deploy",
                    "release": 1,
                    "lines": [
                        {
                            "seq": 1,
                            "time": "2024-01-15T10:30:00.120Z",
                            "kind": "stage-started",
                            "stage": "clone",
                            "text": "Cloning the repository",
                            "seconds": None,
                            "detail": {},
                        }
                    ],
                    "next": 1,
                    "closed": False,
                }
            ]
        }
    )

    container_name: str
    source: Literal["deploy", "app"]
    release: int | None
    lines: list[LogLine]
    next: int
    closed: bool = Field(description="Whether nothing more will come.")


class OfferedView(BaseModel):
    """A variable that the repository's example of an env file names."""

    name: str
    source: str = Field(description="The file and the line that name it.")


class PlanView(BaseModel):
    """How a repository would be deployed; every value that was found stands in `evidence` with its source."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "strategy": "node",
                    "kind": "node",
                    "framework": "express",
                    "language": "node",
                    "version": "22",
                    "package_manager": "npm",
                    "install": "npm ci",
                    "build": None,
                    "start": "node server.js",
                    "port": 3000,
                    "dockerfile": "FROM node:22-slim",
                    "services": [],
                    "main_service": None,
                    "output": None,
                    "overridable": ["build.version", "build.package_manager", "build.install", "run.port"],
                    "evidence": [{"field": "port", "value": "3000", "source": "server.js:4"}],
                    "warnings": [],
                    "candidates": [],
                    "variables": [{"name": "SECRET_KEY", "source": ".env.example:1"}],
                    "error": None,
                    "commit": "0123456789abcdef0123456789abcdef01234567",
                    "branch": "main",
                    "git_url": "https://github.com/user/repo",
                }
            ]
        }
    )

    strategy: str
    kind: Kind
    framework: str | None = None
    language: str | None = None
    version: str | None = None
    package_manager: str | None = None
    install: str | None = None
    build: str | None = None
    start: str | None = None
    port: int | None = None
    dockerfile: str | None = Field(
        None, description="Path of the repository's own, or the text of the one that is written."
    )
    services: list[str]
    main_service: str | None = None
    output: str | None = Field(None, description="Folder whose files are served, where that is what the app is.")
    overridable: list[str] = Field([], description="Keys that `overrides` and butler.yml may have for this repository.")
    evidence: list[dict[str, str]]
    warnings: list[dict[str, str]]
    candidates: list[str]
    variables: list[OfferedView] = []
    release: str | None = Field(None, description="Command that runs once in the new image before it serves.")
    processes: dict[str, str] = Field(default_factory=dict, description="Commands that run beside the site.")
    healthcheck: dict[str, Any] | None = Field(None, description="Path that must answer, and how long it has.")
    resources: dict[str, Any] = Field(default_factory=dict, description="Memory and processors that were asked for.")
    declared: list[dict[str, Any]] = Field(
        default_factory=list, description="Variables that butler.yml declares, without values."
    )
    parts: list[dict[str, Any]] = Field(
        default_factory=list, description="Plans of the containers of a repository with several, the site first."
    )
    error: FailureView | None = None
    commit: str
    branch: str
    git_url: str


def failed_deployment() -> dict[str, Any]:
    """The description of a deployment's refusal or failure."""
    return {"model": DeployFailure, **described(422, _FAILED_BUILD, _WRONG_ENV_FILE, WRONG_OVERRIDES, _KEY_REUSED)}


def deployment_view(app: Deployment, latest: Release | None, live: Release | None) -> DeploymentView:
    """The app with what its newest and its live release add."""
    failure = None
    if app.status is Status.FAILED and app.error_code and (latest is None or latest.error_message != app.error_message):
        failure = FailureView(code=app.error_code, message=app.error_message or "", hint=app.error_hint or "", lines=[])
    elif latest is not None and latest.error_code:
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
