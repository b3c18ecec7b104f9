"""What is asked about deployments: the apps as their users see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, func, or_, select

from database.environment import Environment, seal_variables, unseal_environment
from database.models import Deployment, PortReservation, Release, User, now
from database.moves import apply_move
from database.ports import held_by
from database.transactions import PATIENCE_SECONDS, Transactions
from domain import Phase, Stage, Status
from robust_error_handler import Conflict, NotFound
from secret_box import SecretBox

__all__ = ["DeploymentChanges", "Deployments", "Environment"]


class DeploymentChanges(TypedDict, total=False):
    """The columns that may change during an app's life; the status is not one: `move` changes it."""

    git_url: str
    branch: str | None
    subdirectory: str | None
    strategy: str | None
    framework: str | None
    container_port: int | None
    host_port: int | None
    deployed_url: str | None
    commit_sha: str | None
    commit_subject: str | None
    error_code: str | None
    error_message: str | None
    error_hint: str | None
    trace_id: str
    current_release_id: int | None
    latest_release_id: int | None
    stopped_at: datetime | None
    overrides: dict[str, Any] | None


class Deployments:
    """The deployment table's questions."""

    def __init__(self, database: Transactions, box: SecretBox) -> None:
        self._database = database
        self._box = box

    def create(
        self,
        user_id: int,
        *,
        container_name: str,
        git_url: str,
        branch: str | None = None,
        subdirectory: str | None = None,
        environment: Environment | None = None,
        overrides: Mapping[str, Any] | None = None,
        trace_id: str = "",
        at_most: int | None = None,
    ) -> Deployment:
        """A new app, queued. `at_most` bounds how many its user may have; simultaneous requests cannot get past it."""
        row = Deployment(
            user_id=user_id,
            container_name=container_name,
            git_url=git_url,
            branch=branch,
            subdirectory=subdirectory,
            overrides=dict(overrides) if overrides else None,
            trace_id=trace_id,
        )
        self._seal(row, environment or Environment())
        try:
            with self._database.transaction() as session:
                _refuse_more_than(session, user_id, at_most)
                session.add(row)
        except IntegrityError as error:
            raise Conflict(f"There is an app called {container_name} already.", "Try again.") from error
        return row

    def move(
        self, deployment_id: int, status: Status, phase: Phase | Stage, **changes: Unpack[DeploymentChanges]
    ) -> Deployment:
        """Change the status along the table of allowed moves, and other columns with it; nothing else changes one."""
        with self._database.transaction(PATIENCE_SECONDS) as session:
            row = _existing(session.get(Deployment, deployment_id))
            change(row, changes)
            apply_move(row, status, phase)
        return row

    def update(self, deployment_id: int, **changes: Unpack[DeploymentChanges]) -> Deployment:
        """Change columns without moving."""
        with self._database.transaction(PATIENCE_SECONDS) as session:
            row = _existing(session.get(Deployment, deployment_id))
            change(row, changes)
        return row

    def set_environment(self, deployment_id: int, environment: Environment) -> Deployment:
        """Replace the app's variables; they take effect with its next release."""
        with self._database.transaction() as session:
            row = _existing(session.get(Deployment, deployment_id))
            self._seal(row, environment)
            row.updated_at = now()
        return row

    def change_environment(self, deployment_id: int, change: Callable[[Environment], Environment]) -> Environment:
        """Replace the app's variables by what `change` makes of them; of two simultaneous changes none is lost."""
        with self._database.transaction() as session:
            row = _existing(
                session.exec(select(Deployment).where(Deployment.id == deployment_id).with_for_update()).first()
            )
            changed = change(unseal_environment(self._box, row.backend_env, row.frontend_env))
            self._seal(row, changed)
            row.updated_at = now()
        return changed

    def environment(self, deployment_id: int) -> Environment:
        """The app's variables in the clear."""
        row = self.by_id(deployment_id)
        return unseal_environment(self._box, row.backend_env, row.frontend_env)

    def owned(self, user_id: int, container_name: str) -> Deployment:
        """The user's app of this name. Somebody else's app and none at all are answered alike."""
        with self._database.session() as session:
            query = select(Deployment).where(Deployment.user_id == user_id, Deployment.container_name == container_name)
            return _existing(session.exec(query).first())

    def by_id(self, deployment_id: int) -> Deployment:
        """The app with this number, whoever owns it."""
        with self._database.session() as session:
            return _existing(session.get(Deployment, deployment_id))

    def by_name(self, container_name: str) -> Deployment | None:
        """The app of this name, whoever owns it."""
        with self._database.session() as session:
            return session.exec(select(Deployment).where(Deployment.container_name == container_name)).first()

    def list(self, user_id: int, *, limit: int, offset: int = 0) -> tuple[Sequence[Deployment], int]:
        """A page of the user's apps, newest first, and how many there are in all."""
        mine = col(Deployment.user_id) == user_id
        with self._database.session() as session:
            total = session.exec(select(func.count()).select_from(Deployment).where(mine)).one()
            page = select(Deployment).where(mine).order_by(col(Deployment.id).desc()).limit(limit).offset(offset)
            return session.exec(page).all(), total

    def all(self) -> Sequence[Deployment]:
        """Every app of every user, oldest first, for those who compare records with what runs."""
        with self._database.session() as session:
            return session.exec(select(Deployment).order_by(col(Deployment.id))).all()

    def unfinished(self) -> Sequence[Deployment]:
        """Apps whose start or deletion was under way, for the recovery after a restart."""
        unsettled = or_(col(Deployment.status) == Status.STARTING, col(Deployment.phase) == Phase.DELETING.value)
        with self._database.session() as session:
            return session.exec(select(Deployment).where(unsettled).order_by(col(Deployment.id))).all()

    def counts(self) -> dict[Status, int]:
        """How many apps there are of each status."""
        with self._database.session() as session:
            rows = session.exec(select(Deployment.status, func.count()).group_by(col(Deployment.status))).all()
        return {status: dict(rows).get(status, 0) for status in Status}

    def delete(self, deployment_id: int) -> None:
        """Forget an app with its releases and its reserved ports; one that is gone already is fine."""
        with self._database.transaction(PATIENCE_SECONDS) as session:
            row = session.get(Deployment, deployment_id)
            if row is None:
                return
            session.exec(delete(PortReservation).where(held_by(row.container_name)))
            session.exec(delete(Release).where(col(Release.deployment_id) == deployment_id))
            session.delete(row)

    def _seal(self, row: Deployment, environment: Environment) -> None:
        row.backend_env = seal_variables(self._box, environment.backend)
        row.frontend_env = seal_variables(self._box, environment.frontend)


def change(row: Deployment, changes: DeploymentChanges) -> None:
    """Set the columns that a change names, and no other."""
    for name, value in changes.items():
        if name not in DeploymentChanges.__annotations__:
            raise TypeError(f"{name} is not a column that may be changed")
        setattr(row, name, value)
    row.updated_at = now()


def _refuse_more_than(session: Session, user_id: int, at_most: int | None) -> None:
    if at_most is None:
        return
    # Holding the user's row makes simultaneous requests queue up on a database server; SQLite's write lock does here.
    session.exec(select(User.id).where(User.id == user_id).with_for_update()).first()
    count = session.exec(select(func.count()).select_from(Deployment).where(col(Deployment.user_id) == user_id)).one()
    if count >= at_most:
        raise Conflict(f"You have {count} apps, and at most {at_most} are allowed.", "Delete one that you do not need.")


def _existing(row: Deployment | None) -> Deployment:
    if row is None:
        raise NotFound("There is no such deployment.", "`GET /deployments` lists yours.")
    return row
