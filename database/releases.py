"""What is asked about releases: the attempts to put a version of an app live."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypedDict

from sqlmodel import col, func, select

from database.deployments import DeploymentChanges, change
from database.environment import Environment, unseal_environment
from database.keys import RequestKey, keep_key
from database.models import Deployment, Release, now
from database.moves import apply_move
from database.transactions import PATIENCE_SECONDS, Transactions
from domain import Phase, Stage, Status, Trigger
from robust_error_handler import NotFound
from secret_box import SecretBox


class ReleaseChanges(TypedDict, total=False):
    """The columns that a release learns while it runs; its status is not one: `advance` and `finish` change it."""

    commit_sha: str | None
    commit_subject: str | None
    commit_author: str | None
    branch: str | None
    image_id: str | None
    image_tag: str | None
    image_reused: bool | None
    plan: dict[str, Any] | None
    steps: list[dict[str, Any]]
    error_code: str | None
    error_message: str | None
    error_hint: str | None
    error_lines: list[str] | None
    url: str | None
    finished_at: datetime | None


class Releases:
    """The release table's questions."""

    def __init__(self, database: Transactions, box: SecretBox) -> None:
        self._database = database
        self._box = box

    def create(
        self,
        deployment_id: int,
        *,
        trace_id: str = "",
        trigger: Trigger = Trigger.DEPLOY,
        key: RequestKey | None = None,
    ) -> Release:
        """The app's next release, queued, with its source, variables and overrides as they are now.

        It becomes the app's latest one; the app's status is left alone. `key` stands for it from now on: both are kept
        or neither. Raises Conflict where the key stands for another release.
        """
        with self._database.transaction() as session:
            app = session.exec(select(Deployment).where(Deployment.id == deployment_id).with_for_update()).first()
            if app is None:
                raise NotFound("There is no such deployment.", "`GET /deployments` lists yours.")
            numbers = select(func.max(Release.number)).where(col(Release.deployment_id) == deployment_id)
            row = Release(
                deployment_id=deployment_id,
                number=(session.exec(numbers).one() or 0) + 1,
                trace_id=trace_id,
                trigger=trigger,
                git_url=app.git_url,
                branch=app.branch,
                subdirectory=app.subdirectory,
                backend_env=app.backend_env,
                frontend_env=app.frontend_env,
                overrides=app.overrides,
            )
            session.add(row)
            session.flush()
            if key is not None:
                keep_key(session, self._box, key, row.id)
            change(app, {"latest_release_id": row.id, "trace_id": trace_id})
        return row

    def advance(self, release_id: int, phase: Phase | Stage, changes: ReleaseChanges | None = None) -> Release:
        """Note the stage that a release is in, and what it learned."""
        with self._database.transaction(PATIENCE_SECONDS) as session:
            row = _existing(session.get(Release, release_id))
            _change(row, changes or {})
            apply_move(row, row.status, phase)
        return row

    def finish(
        self,
        release_id: int,
        status: Status,
        changes: ReleaseChanges | None = None,
        *,
        app: tuple[Status, Phase] | None = None,
        app_changes: DeploymentChanges | None = None,
    ) -> Release:
        """Say how a release ended and, in the same transaction, how its app stands now (`app`)."""
        with self._database.transaction(PATIENCE_SECONDS) as session:
            row = _existing(session.get(Release, release_id))
            _change(row, changes or {})
            apply_move(row, status, Phase.LIVE if status is Status.SUCCESS else Phase.FAILED)
            row.finished_at = now()
            deployment = session.get(Deployment, row.deployment_id)
            if deployment is not None:
                change(deployment, app_changes or {})
                if app is not None:
                    apply_move(deployment, *app)
        return row

    def environment(self, release_id: int) -> Environment:
        """The variables that a release was given, in the clear."""
        row = self.by_id(release_id)
        return unseal_environment(self._box, row.backend_env, row.frontend_env)

    def by_id(self, release_id: int) -> Release:
        """The release with this id."""
        with self._database.session() as session:
            return _existing(session.get(Release, release_id))

    def by_ids(self, release_ids: Collection[int]) -> dict[int, Release]:
        """Those of these releases that there are, by id."""
        if not release_ids:
            return {}
        with self._database.session() as session:
            rows = session.exec(select(Release).where(col(Release.id).in_(release_ids))).all()
            return {row.id: row for row in rows}

    def by_number(self, deployment_id: int, number: int) -> Release:
        """An app's release of this number."""
        with self._database.session() as session:
            query = select(Release).where(Release.deployment_id == deployment_id, Release.number == number)
            return _existing(session.exec(query).first())

    def newest_with_plan(self, deployment_id: int) -> Release | None:
        """An app's newest release that got as far as knowing what the repository is."""
        with self._database.session() as session:
            its = col(Release.deployment_id) == deployment_id
            query = select(Release).where(its, col(Release.plan).is_not(None)).order_by(col(Release.number).desc())
            return session.exec(query.limit(1)).first()

    def list(self, deployment_id: int, *, limit: int, offset: int = 0) -> tuple[Sequence[Release], int]:
        """A page of an app's releases, newest first, and how many there are in all."""
        its = col(Release.deployment_id) == deployment_id
        with self._database.session() as session:
            total = session.exec(select(func.count()).select_from(Release).where(its)).one()
            page = select(Release).where(its).order_by(col(Release.number).desc()).limit(limit).offset(offset)
            return session.exec(page).all(), total

    def unfinished(self) -> Sequence[Release]:
        """Releases that were under way, for the recovery after a restart."""
        with self._database.session() as session:
            query = select(Release).where(Release.status == Status.STARTING).order_by(col(Release.id))
            return session.exec(query).all()


def _change(row: Release, changes: ReleaseChanges) -> None:
    for name, value in changes.items():
        if name not in ReleaseChanges.__annotations__:
            raise TypeError(f"{name} is not a column that may be changed")
        setattr(row, name, value)


def _existing(row: Release | None) -> Release:
    if row is None:
        raise NotFound("There is no such release.")
    return row
