"""An app's variables and overrides beside those of its live release: what was edited and waits for the next deployment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import deploy_jobs
from database import Database, Deployment, Environment
from robust_logging import secret_values
from settings import Settings

Kind = Literal["backend", "frontend"]
Pending = Literal["added", "changed", "removed"]
KINDS: tuple[Kind, ...] = ("backend", "frontend")


@dataclass(frozen=True)
class Variable:
    """One variable: its value as it is stored now (None for one that was removed), and how it was edited."""

    name: str
    kind: Kind
    value: str | None = field(repr=False)
    pending: Pending | None


def is_edited(database: Database, app: Deployment) -> bool:
    """Whether the app has other variables than its live release; never so where none is live."""
    if app.current_release_id is None:
        return False
    live = database.releases.environment(app.current_release_id)
    return database.deployments.environment(app.id) != live


def has_other_overrides(database: Database, app: Deployment) -> bool:
    """Whether the app has other overrides than its live release; never so where none is live."""
    if app.current_release_id is None:
        return False
    return app.overrides != database.releases.by_id(app.current_release_id).overrides


def secrets_of(database: Database, app: Deployment, settings: Settings) -> list[str]:
    """The values that an app has, given or made for it, now and in the release that runs, which its log must not show."""
    environments = [database.deployments.environment(app.id)]
    if app.current_release_id is not None:
        environments.append(database.releases.environment(app.current_release_id))
    values = [value for one in environments for given in (one.backend, one.frontend) for value in secret_values(given)]
    return [*values, *deploy_jobs.kept_values(app.container_name, settings).values()]


def compared(stored: Environment, live: Environment) -> tuple[Variable, ...]:
    """Every variable of an app, in the order in which it was given, then those that the next deployment leaves out."""
    return tuple(variable for kind in KINDS for variable in _of_kind(kind, stored, live))


def _of_kind(kind: Kind, stored: Environment, live: Environment) -> Iterator[Variable]:
    now, before = getattr(stored, kind), getattr(live, kind)
    for name, value in now.items():
        change: Pending | None = "added" if name not in before else "changed" if before[name] != value else None
        yield Variable(name, kind, value, change)
    for name in before.keys() - now.keys():
        yield Variable(name, kind, None, "removed")
