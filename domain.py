"""The nouns of a deployment, shared by every layer; this module knows nothing of HTTP, SQL or processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """The document's three words for how a deployment or a release stands."""

    STARTING = "starting"
    SUCCESS = "success"
    FAILED = "failed"


class Stage(StrEnum):
    """The document's nine steps, in order. The current one is a deployment's `phase` while it is `starting`."""

    VALIDATE = "validate"
    CLONE = "clone"
    DETECT = "detect"
    CLEAN = "clean"
    BUILD = "build"
    START = "start"
    PORT = "port"
    VERIFY = "verify"
    RECORD = "record"


class Phase(StrEnum):
    """What a deployment is doing beyond its three-word status; while it is starting, a `Stage` value stands here."""

    QUEUED = "queued"
    LIVE = "live"
    FAILED = "failed"
    STOPPED = "stopped"
    DELETING = "deleting"


class Trigger(StrEnum):
    """What a release was made for."""

    DEPLOY = "deploy"
    REDEPLOY = "redeploy"


class Kind(StrEnum):
    """What a repository turned out to be."""

    COMPOSE = "compose"
    DOCKERFILE = "dockerfile"
    NEXTJS = "nextjs"
    NODE = "node"
    SPA = "spa"
    STATIC = "static"
    DJANGO = "django"
    FLASK = "flask"
    FASTAPI = "fastapi"
    PYTHON = "python"
    GO = "go"
    RUST = "rust"
    JAVA = "java"
    PHP = "php"
    RUBY = "ruby"
    DENO = "deno"
    BUN = "bun"
    DOTNET = "dotnet"
    ELIXIR = "elixir"
    SHELL = "shell"
    MONOREPO = "monorepo"
    NONE = "none"


class EventKind(StrEnum):
    """What an event of a deployment's log says."""

    STAGE_STARTED = "stage-started"
    STAGE_FINISHED = "stage-finished"
    STAGE_FAILED = "stage-failed"
    LINE = "line"
    NOTE = "note"
    WARNING = "warning"
    FAILURE = "failure"
    DONE = "done"


@dataclass(frozen=True)
class Event:
    """One line of a deployment's log, as the user sees it.

    `text` is what a person reads; `seconds` is a finished stage's duration; `detail` holds
    machine-readable extras (the error's shape on FAILURE, the address on DONE).
    """

    kind: EventKind
    stage: Stage | None
    text: str
    seconds: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


Emit = Callable[[Event], None]
"""Where a stage reports what happens. Never blocks and never raises."""


class Secret(str):
    """Text that prints as `***`; `reveal()` gives the value. For argv entries, tokens and passwords."""

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def reveal(self) -> str:
        """The text itself, for the one place that needs it."""
        return str.__str__(self)


@dataclass(frozen=True)
class DeployRequest:
    """One wish to put a repository live: already validated, with everything that the pipeline needs.

    `container_name` names the app for its whole life (`user-repo-a1b2c3d4`). `backend_env` reaches the running
    container only, `frontend_env` the build only. `previous_host_port` is set when the app has an address to keep.
    `overrides` are the request's own words with butler.yml's keys, checked already; they beat that file's.
    `runtime` bounds what the app may use; 0 release means that no row exists (a plan or a test).
    """

    git_url: str
    container_name: str
    user_id: int
    trace_id: str = ""
    release_number: int = 1
    branch: str | None = None
    subdirectory: str | None = None
    backend_env: Mapping[str, str] = field(default_factory=dict)
    frontend_env: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Any] | None = None
    github_token: Secret | None = None


@dataclass(frozen=True)
class Commit:
    """The commit that was checked out."""

    sha: str
    subject: str
    author: str
    branch: str
    tree: str


@dataclass(frozen=True)
class Evidence:
    """Why a plan holds a value: `field` of the plan, the value as text, and the file (and line) it came from."""

    field: str
    value: str
    source: str


@dataclass(frozen=True)
class PlanWarning:
    """Something that works but may surprise: a stable `code`, the sentence, the remedy."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True)
class OfferedVariable:
    """A variable that the repository's own example of an env file names, and where (file and line)."""

    name: str
    source: str


@dataclass(frozen=True)
class Healthcheck:
    """How an app proves that it is well: the path that must answer, how long it has to, how often it is asked."""

    path: str = "/"
    timeout_seconds: float | None = None
    interval_seconds: float | None = None


@dataclass(frozen=True)
class Variable:
    """A variable that the repository declares. `generator` is "secret" where the Butler makes a value and keeps it."""

    name: str
    required: bool = False
    description: str = ""
    generator: str | None = None
    value: str | None = None
    at_build: bool = False


@dataclass(frozen=True)
class Part:
    """One container of a deployment that has several: a service's name and how it is built and run.

    `api_variables` are filled, while it is built, with the address of the part that serves the API.
    """

    name: str
    plan: Plan
    api_variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """How a checkout becomes a running container; frozen, and complete enough to be carried out by hand.

    Paths are relative to the checkout's root with `/` (`context` is "." for the root itself).
    `dockerfile` is the text of a Dockerfile that we wrote, `dockerfile_path` the repository's own; one of the two
    is set, except for Compose plans (`compose_file`). `build_args` fill the Dockerfile's ARGs and hold no secret.
    `port` is the container port that is expected to answer, None where only the build or the run can tell.
    `expects_http` is False for a worker that is judged by staying up. `command` replaces the image's own at the run;
    `release` runs once in the new image before it serves, `processes` beside it. `parts` are the containers of a
    repository with several, the site first. `declared` are the variables of a butler.yml, `variables` those that the
    repository's example of an env file names. `is_port_told` says that the port is somebody's word and no guess.
    """

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
    context: str = "."
    dockerfile: str | None = None
    dockerfile_path: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    compose_file: str | None = None
    services: tuple[str, ...] = ()
    main_service: str | None = None
    expects_http: bool = True
    command: str | None = None
    release: str | None = None
    processes: Mapping[str, str] = field(default_factory=dict)
    healthcheck: Healthcheck | None = None
    declared: tuple[Variable, ...] = ()
    memory: str | None = None
    cpus: float | None = None
    is_port_told: bool = False
    parts: tuple[Part, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()
    candidates: tuple[str, ...] = ()
    variables: tuple[OfferedVariable, ...] = ()


@dataclass(frozen=True)
class Image:
    """A built image. `id` is `sha256:...` and is what runs; `tag` is for people. `reused` means no build happened."""

    id: str
    tag: str
    reused: bool
    exposed_ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class RunningContainer:
    """A container that was started. `id` is Docker's; `url` is where its port is published, None if nothing is."""

    id: str
    name: str
    image_id: str
    container_port: int | None
    host_port: int | None
    url: str | None


@dataclass(frozen=True)
class Outcome:
    """What a pipeline run that succeeded leaves behind, for the record."""

    container: RunningContainer
    plan: Plan
    commit: Commit
    image_id: str | None
    image_tag: str | None
    image_reused: bool
