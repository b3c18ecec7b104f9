"""What the socket's manager asks of the accounts and the records: who a token belongs to, and which release is meant."""

from __future__ import annotations

from auth import Auth
from connection_manager import Directory, Viewer
from database import Database
from robust_error_handler import NotFound
from routes.app_lines import AppLines
from settings import Settings


def directory_of(database: Database, auth: Auth, settings: Settings) -> Directory:
    """The answers, as functions: the manager knows neither accounts nor records."""

    def authenticate(token: str) -> Viewer:
        session = auth.authenticate(token)
        return Viewer(session.user.id, session.user.username, session.expires_at.timestamp())

    def find(user_id: int, name: str, number: int | None) -> int | None:
        try:
            app = database.deployments.owned(user_id, name)
            return app.latest_release_id if number is None else database.releases.by_number(app.id, number).id
        except NotFound:
            return None

    return Directory(authenticate=authenticate, find=find, app_lines=AppLines(database, settings).lines)
