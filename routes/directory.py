"""What the socket's manager asks of the accounts and the records: who a token belongs to, and which release is meant."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from auth import Auth
from connection_manager import Directory, Viewer
from database import Database
from docker_run import AppLine
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

    source = AppLines(database, settings)

    async def app_lines(user_id: int, name: str, after: int) -> AsyncGenerator[list[dict[str, Any]], None]:
        async with aclosing(source.lines(user_id, name, after=after)) as batches:
            async for lines in batches:
                yield [_frame_line(line) for line in lines]

    return Directory(authenticate=authenticate, find=find, app_lines=app_lines)


def _frame_line(line: AppLine) -> dict[str, Any]:
    text = f"{line.service} | {line.text}" if line.service else line.text
    return {"seq": line.number, "time": line.time, "text": text}
