"""What the records tell about an app's live release that stopping, starting and checking it need."""

from __future__ import annotations

from typing import Any

from database import Deployment, Environment
from deploy_jobs.bookkeeping import Office
from deploy_jobs.failures import never_live
from domain import Kind, Plan
from simple_pipeline import LiveApp


def live_app(office: Office, app: Deployment) -> LiveApp:
    """The app as its live release was verified. Raises Conflict where none ever was."""
    if app.current_release_id is None:
        raise never_live(app.container_name)
    found: dict[str, Any] = office.database.releases.by_id(app.current_release_id).plan or {}
    kind = Kind(found.get("kind", Kind.NONE))
    plan = Plan(
        strategy=str(found.get("strategy", "")),
        kind=kind,
        framework=found.get("framework"),
        port=app.container_port,
        expects_http=bool(found.get("expects_http", True)),
    )
    return LiveApp(app.container_name, app.user_id, plan, is_stack=kind is Kind.COMPOSE)


def live_environment(office: Office, app: Deployment) -> Environment:
    """The variables that an app's live release was given; none where there is no such release."""
    if app.current_release_id is None:
        return Environment()
    return office.database.releases.environment(app.current_release_id)
