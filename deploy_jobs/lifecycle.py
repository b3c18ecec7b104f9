"""Stopping, starting and restarting an app that was deployed: each in the app's turn, with the record telling the truth."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import simple_pipeline
from database import Deployment, DeploymentChanges, Environment
from deploy_jobs.bookkeeping import Office, standing_of
from deploy_jobs.failures import errors_masked, masked, never_live, unknown
from deploy_jobs.live import live_app, live_environment
from domain import Event, Phase, Stage, Status
from robust_error_handler import ButlerError, CommandFailed, Conflict
from robust_logging import audit, bind, current_trace_id
from simple_pipeline import AppState, Condition, LiveApp

log = logging.getLogger(__name__)


class Deed(StrEnum):
    """What can be done to an app that was deployed."""

    STOP = "stop"
    START = "start"
    RESTART = "restart"


@dataclass(frozen=True)
class Done:
    """What came of a deed; `changed` is False where it was so already."""

    changed: bool
    message: str


class Lifecycle:
    """The deeds of one Butler. `refuse` raises Conflict for an app that is being deployed or destroyed."""

    def __init__(self, office: Office, locks: defaultdict[str, asyncio.Lock], refuse: Callable[[str], None]) -> None:
        self._office = office
        self._locks = locks
        self._refuse = refuse
        self._tasks: dict[asyncio.Task[Done], str] = {}

    def begin(self, app: Deployment, deed: Deed, *, username: str, trace_id: str) -> asyncio.Task[Done]:
        """Do it, whoever waits for it or not. Raises Conflict at once where it cannot be done now."""
        self._refuse(app.container_name)
        if app.current_release_id is None:
            raise never_live(app.container_name)
        if app.phase == Phase.DELETING:
            raise Conflict(f"{app.container_name} is half destroyed.", "Destroy it again.")
        audit(f"app.{deed}", deployment=app.container_name)
        task = asyncio.create_task(
            self._in_turn(app, deed, username=username, trace_id=trace_id), name=f"{deed} {app.container_name}"
        )
        self._tasks[task] = app.container_name
        task.add_done_callback(self._ended)
        return task

    async def cancel(self, container_name: str | None = None) -> None:
        """End what is being done to an app, or to all of them, and wait until nothing of it runs."""
        tasks = [task for task, name in self._tasks.items() if container_name in (None, name)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, task: asyncio.Task[Done]) -> None:
        """Forget it; what nobody waited for is not lost but stands on the record."""
        name = self._tasks.pop(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ButlerError):
            log.error("%s ended in an unknown error", task.get_name(), exc_info=error, extra={"deployment": name})

    async def _in_turn(self, app: Deployment, deed: Deed, *, username: str, trace_id: str) -> Done:
        name = app.container_name
        with bind(trace_id=trace_id, user=username, deployment=name):
            async with self._locks[name]:
                self._refuse(name)
                app, live, environment = await asyncio.to_thread(self._look_up, app.user_id, name)
                with errors_masked(environment):
                    state = await simple_pipeline.app_state(name, self._office.settings)
                    if deed is Deed.STOP:
                        return await self._stop(app, live, state)
                    return await self._start(app, live, state, deed)

    def _look_up(self, user_id: int, name: str) -> tuple[Deployment, LiveApp, Environment]:
        app = self._office.database.deployments.owned(user_id, name)
        return app, live_app(self._office, app), live_environment(self._office, app)

    async def _stop(self, app: Deployment, live: LiveApp, state: AppState) -> Done:
        if app.stopped_at is not None and not state.is_up:
            return Done(False, "Already stopped.")
        deployments = self._office.database.deployments
        await asyncio.to_thread(deployments.update, app.id, stopped_at=app.stopped_at or datetime.now(UTC))
        try:
            await simple_pipeline.stop_app(live, self._office.settings)
        except (ButlerError, CommandFailed):
            await asyncio.to_thread(deployments.update, app.id, stopped_at=app.stopped_at)
            raise
        await self._stands(app, app.status, Phase.STOPPED)
        return Done(True, "Stopped.")

    async def _start(self, app: Deployment, live: LiveApp, state: AppState, deed: Deed) -> Done:
        is_live = app.phase == Phase.LIVE and app.stopped_at is None
        if deed is Deed.START and is_live and state.site.state is Condition.RUNNING:
            return Done(False, "Already running.")
        if state.site.state is Condition.MISSING and not live.is_stack:
            raise Conflict(
                f"The container of {app.container_name} is gone.",
                f"Make it anew with `POST /deployments/{app.container_name}/redeploy`.",
            )
        act = simple_pipeline.start_app if deed is Deed.START else simple_pipeline.restart_app
        await self._stands(app, Status.STARTING, Stage.START)
        try:
            await act(live, _unheard, self._office.settings)
        except ButlerError as error:
            await self._did_not_come_up(app, masked(error))
            raise
        except Exception as error:
            log.exception("a %s ended in an unknown error", deed)
            failure = unknown(current_trace_id())
            await self._did_not_come_up(app, failure)
            raise failure from error
        await self._stands(app, Status.SUCCESS, Phase.LIVE, {"stopped_at": None, **_NO_ERROR})
        return Done(True, "Started." if deed is Deed.START else "Restarted.")

    async def _did_not_come_up(self, app: Deployment, error: ButlerError) -> None:
        """Write down what is there now: it was stopped again, or it runs without answering."""
        try:
            is_up = (await simple_pipeline.app_state(app.container_name, self._office.settings)).is_up
        except (ButlerError, CommandFailed):
            is_up = False  # Docker does not answer; the next start of the Butler sees to it that this is true
        changes: DeploymentChanges = {
            "stopped_at": None if is_up else app.stopped_at or datetime.now(UTC),
            "error_code": str(error.code),
            "error_message": error.message,
            "error_hint": error.hint,
        }
        await self._stands(app, Status.FAILED, Phase.FAILED if is_up else Phase.STOPPED, changes)

    async def _stands(
        self, app: Deployment, status: Status, phase: Phase | Stage, changes: DeploymentChanges | None = None
    ) -> None:
        """Move the record, unless a deployment that waits behind this has moved it on already, and tell the watchers."""
        office = self._office

        def write() -> dict[str, object]:
            row = office.database.deployments.update(app.id, **(changes or {}))
            if row.phase not in (Phase.QUEUED, Phase.DELETING):
                row = office.database.deployments.move(app.id, status, phase)
            latest = office.database.releases.by_id(row.latest_release_id) if row.latest_release_id else None
            return standing_of(row, latest.number if latest else None)

        office.connections.announce(app.user_id, await asyncio.to_thread(write))


_NO_ERROR: DeploymentChanges = {"error_code": None, "error_message": None, "error_hint": None}


def _unheard(_event: Event) -> None:
    """A deed has no log of its own: what went wrong is in its error, with the app's last lines."""
