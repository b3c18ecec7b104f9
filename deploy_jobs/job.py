"""One release on its way, and the one that an earlier request with the same key asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from database import Deployment, Release, RequestKey
from deploy_jobs.bookkeeping import Bookkeeping, Office
from domain import Status
from robust_error_handler import ButlerError, Code, NotFound

_STATUS_OF = {Code.TOOL_MISSING: 503, Code.STORAGE: 503, Code.INTERNAL: 500}
_FAILED = 422


@dataclass(eq=False)
class Job:
    """One release on its way. `wait()` ends with it; `error` is what it failed of, `url` where it answers.

    `first` is the job of an earlier request, where this one asks again with its key while it runs; `is_repeat` says
    that there was an earlier one, on its way or ended.
    """

    books: Bookkeeping
    username: str
    cancel_code: Code = Code.INTERRUPTED
    url: str | None = None
    error: ButlerError | None = None
    has_begun: bool = False
    is_ending: bool = False
    is_repeat: bool = False
    first: Job | None = field(default=None, repr=False)
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    async def wait(self) -> None:
        """Wait until the release has ended, however; being cancelled here does not end it."""
        if self.task is not None:
            await asyncio.wait({self.task})
        if self.first is not None:
            await self.first.wait()
            self.url, self.error = self.first.url, self.first.error

    def stop(self, code: Code) -> None:
        """End it. What is ending already is left to that."""
        if self.task is not None and not self.is_ending:
            self.is_ending = True
            self.cancel_code = code
            # A task that is cancelled before its first step never runs, and so would record nothing.
            self.task.get_loop().call_soon(self.task.cancel)


async def earlier_job(office: Office, key: RequestKey, jobs: Mapping[int, Job]) -> Job | None:
    """The release that a key stands for: the job in `jobs`, or one that has ended; None for a key that is new.

    Raises NotFound where it was destroyed since, BadRequest where something else was asked for with the key.
    """
    found = await asyncio.to_thread(_on_record, office, key)
    if found is None:
        return None
    release, app = found
    if release.id in jobs:
        first = jobs[release.id]
        return Job(first.books, first.username, has_begun=True, is_ending=True, is_repeat=True, first=first)
    books = Bookkeeping(
        office, app.user_id, app.id, app.container_name, release.id, release.number, release.trace_id, release.steps
    )
    return Job(books, "", url=release.url, error=_error_of(release), has_begun=True, is_ending=True, is_repeat=True)


def _on_record(office: Office, key: RequestKey) -> tuple[Release, Deployment] | None:
    release_id = office.database.keys.release_of(key)
    if release_id is None:
        return None
    try:
        release = office.database.releases.by_id(release_id)
        return release, office.database.deployments.by_id(release.deployment_id)
    except NotFound as error:
        message = "The deployment that this Idempotency-Key stands for was destroyed."
        raise NotFound(message, "Send a new key to deploy again.") from error


def _error_of(release: Release) -> ButlerError | None:
    """What a release failed of, with the status that its first answer had."""
    if release.status is not Status.FAILED:
        return None
    code = Code(release.error_code or Code.INTERNAL)
    lines = tuple(release.error_lines or ())
    return ButlerError(
        release.error_message or "", release.error_hint or "", code, _STATUS_OF.get(code, _FAILED), lines
    )
