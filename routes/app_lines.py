"""What an app writes, for whoever follows it: numbered, and without the values that the app was given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import docker_run
from connection_manager import clean
from database import Database, Deployment
from docker_run import AppLine
from robust_error_handler import CommandFailed, NotFound
from robust_logging import Redactor
from routes.variables import secrets_of
from settings import Settings

_RETRY_SECONDS = 5.0
_TAIL_LINES = 1_000


class AppLines:
    """The one source of what apps write: the socket and `/logs/live` read from it."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def lines(
        self, user_id: int, name: str, *, after: int = 0, tail: int = _TAIL_LINES, until_ended: bool = False
    ) -> AsyncGenerator[Sequence[AppLine], None]:
        """Batches of lines after a number (the last `tail` for 0), until the app is gone or, with `until_ended`, runs no
        more. Where Docker does not answer it is asked again."""
        try:
            app = await asyncio.to_thread(self._owned, user_id, name)
            while True:
                following = docker_run.follow_app(name, self._settings, after=after, tail=tail, until_ended=until_ended)
                try:
                    async with aclosing(following) as batches:
                        async for lines in batches:
                            # Asked anew where nothing runs: the app may be gone, or have other variables.
                            app = app if lines else await asyncio.to_thread(self._owned, user_id, name)
                            if lines:
                                yield await asyncio.to_thread(self._shown, app, lines)
                                after = lines[-1].number
                    return
                except CommandFailed:
                    await asyncio.sleep(_RETRY_SECONDS)
        except NotFound:
            return

    def _owned(self, user_id: int, name: str) -> Deployment:
        return self._database.deployments.owned(user_id, name)

    def _shown(self, app: Deployment, lines: Sequence[AppLine]) -> list[AppLine]:
        """The redactor is one of its own: what other apps hide at this moment must not show here."""
        own = Redactor()
        with own.hiding(secrets_of(self._database, app, self._settings)):
            return [replace(line, text=clean(line.text, own.mask)) for line in lines]
