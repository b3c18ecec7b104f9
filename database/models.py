"""The tables: users, deployments, their releases, sessions, keys of requests and reserved ports; nothing else knows the columns.

A deployment is the app as its user sees it; a release is one attempt to put a version of it live.
`github_access_token`, `backend_env` and `frontend_env` hold encrypted text only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, String, UniqueConstraint, func, text, true
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from domain import Phase, Status, Trigger

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def now() -> datetime:
    """This moment, aware of its time zone as every time in the database is."""
    return datetime.now(UTC)


class StatusText(TypeDecorator[Status]):
    """A status, stored as the document's word."""

    impl = String(16)
    cache_ok = True

    def process_bind_param(self, value: Status | None, dialect: Dialect) -> str | None:
        return None if value is None else Status(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Status | None:
        return None if value is None else Status(value)


_AT_INSERT = {"server_default": func.now()}
_NEVER_REUSED: dict[str, Any] = {"sqlite_autoincrement": True}
"""SQLite would give a deleted row's id to the next one; log files and audit records are named by ids."""


class User(SQLModel, table=True):
    """Somebody with an account. `token_version` rises when all of a user's tokens must stop working."""

    __tablename__: ClassVar[str] = "user"
    __table_args__ = _NEVER_REUSED

    id: int = Field(default=None, primary_key=True)
    username: str = Field(unique=True, max_length=64)
    username_folded: str = Field(unique=True, max_length=64)
    email: str = Field(unique=True, max_length=320)
    hashed_password: str = Field(max_length=255)
    auth_provider: str = Field(default="local", max_length=32, sa_column_kwargs={"server_default": "local"})
    github_access_token: str | None = None
    github_token_added_at: datetime | None = None
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    token_version: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = Field(default_factory=now, sa_column_kwargs=_AT_INSERT)


class Deployment(SQLModel, table=True):
    """An app, named by its container for its whole life.

    `stopped_at` is set while its user wants it stopped, whatever happens to it in between.
    `current_release_id` is the release that is live, `latest_release_id` the newest attempt. They are plain numbers:
    a release refers to its deployment, and two tables that refer to each other can neither be made nor emptied in order.
    """

    __tablename__: ClassVar[str] = "deployment"
    __table_args__ = _NEVER_REUSED

    id: int = Field(default=None, primary_key=True)
    container_name: str = Field(unique=True, index=True, max_length=128)
    git_url: str = Field(max_length=2048)
    status: Status = Field(default=Status.STARTING, sa_type=StatusText, index=True)
    deployed_url: str | None = None
    created_at: datetime = Field(default_factory=now, sa_column_kwargs=_AT_INSERT)
    user_id: int = Field(foreign_key="user.id", index=True)
    phase: str = Field(default=Phase.QUEUED.value, max_length=32)
    branch: str | None = None
    subdirectory: str | None = None
    strategy: str | None = None
    framework: str | None = None
    container_port: int | None = None
    host_port: int | None = None
    commit_sha: str | None = None
    commit_subject: str | None = None
    updated_at: datetime = Field(default_factory=now, sa_column_kwargs=_AT_INSERT)
    error_code: str | None = None
    error_message: str | None = None
    error_hint: str | None = None
    trace_id: str = Field(default="", sa_column_kwargs={"server_default": ""})
    current_release_id: int | None = None
    latest_release_id: int | None = None
    backend_env: str | None = None
    frontend_env: str | None = None
    stopped_at: datetime | None = None
    overrides: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class Release(SQLModel, table=True):
    """One attempt to put a version of an app live, kept whether it succeeded or not."""

    __tablename__: ClassVar[str] = "release"
    __table_args__ = (
        UniqueConstraint("deployment_id", "number", name="uq_release_deployment_id_number"),
        _NEVER_REUSED,
    )

    id: int = Field(default=None, primary_key=True)
    deployment_id: int = Field(foreign_key="deployment.id", ondelete="CASCADE", index=True)
    number: int
    status: Status = Field(default=Status.STARTING, sa_type=StatusText, index=True)
    phase: str = Field(default=Phase.QUEUED.value, max_length=32)
    trace_id: str = Field(default="", sa_column_kwargs={"server_default": ""})
    trigger: Trigger = Field(default=Trigger.DEPLOY, sa_type=String(16), sa_column_kwargs={"server_default": "deploy"})
    git_url: str = Field(max_length=2048)
    branch: str | None = None
    subdirectory: str | None = None
    commit_sha: str | None = None
    commit_subject: str | None = None
    commit_author: str | None = None
    image_id: str | None = None
    image_tag: str | None = None
    image_reused: bool | None = None
    plan: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    steps: list[dict[str, Any]] = Field(
        default_factory=list, sa_type=JSON(none_as_null=True), nullable=False, sa_column_kwargs={"server_default": "[]"}
    )
    error_code: str | None = None
    error_message: str | None = None
    error_hint: str | None = None
    error_lines: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    url: str | None = None
    created_at: datetime = Field(default_factory=now, sa_column_kwargs=_AT_INSERT)
    finished_at: datetime | None = None
    backend_env: str | None = None
    frontend_env: str | None = None
    overrides: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class RefreshToken(SQLModel, table=True):
    """A renewal token, known only by its hash. All that descend from one log-in share a `family`."""

    __tablename__: ClassVar[str] = "refresh_token"

    id: int = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", ondelete="CASCADE", index=True)
    family: str = Field(index=True, max_length=64)
    token_sha256: str = Field(unique=True, max_length=64)
    created_at: datetime = Field(default_factory=now, sa_column_kwargs=_AT_INSERT)
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class RevokedToken(SQLModel, table=True):
    """An access token (by its `jti`) or a whole family of them that ended before its time, until `exp`."""

    __tablename__: ClassVar[str] = "revoked_token"

    jti: str = Field(primary_key=True, max_length=64)
    exp: datetime = Field(index=True)


class IdempotencyKey(SQLModel, table=True):
    """A key with which a user asked for a release, so that asking again with it gives the same one.

    `content_sha256` is a keyed digest of what was asked for: that holds variables. The release is a plain number: it may be gone before the key is.
    """

    __tablename__: ClassVar[str] = "idempotency_key"

    user_id: int = Field(foreign_key="user.id", ondelete="CASCADE", primary_key=True)
    key: str = Field(primary_key=True, max_length=255)
    content_sha256: str = Field(max_length=64)
    release_id: int
    created_at: datetime = Field(default_factory=now, sa_column_kwargs=_AT_INSERT, index=True)


class PortReservation(SQLModel, table=True):
    """A host port that belongs to an app, from before its container starts until the app is gone."""

    __tablename__: ClassVar[str] = "port_reservation"

    host_port: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    container_name: str = Field(index=True, max_length=128)
