"""What one release leaves in the database and in its log while it runs and when it ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import port_discovery
from butler_file import plan_as_dict
from connection_manager import ConnectionManager, ReleaseLogs
from database import Database, Deployment, ReleaseChanges, part_of
from deploy_jobs.generated import generated_values
from domain import Commit, Event, EventKind, Outcome, Phase, Plan, Stage, Status
from robust_error_handler import ButlerError
from robust_logging import redactor
from settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Office:
    """Where releases are recorded: shared by all jobs. `writer` has one thread, so that writes keep their order."""

    settings: Settings
    database: Database
    logs: ReleaseLogs
    connections: ConnectionManager
    writer: ThreadPoolExecutor


@dataclass
class Bookkeeping:
    """The books of one release. It is the pipeline's `Ledger` and its `emit`."""

    office: Office
    user_id: int
    deployment_id: int
    container_name: str
    release_id: int
    number: int
    trace_id: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    recorded: Outcome | None = None
    _stage_began: float = field(default_factory=time.perf_counter, repr=False)
    _hidden: ExitStack = field(default_factory=ExitStack, repr=False)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop, repr=False)

    def emit(self, event: Event) -> None:
        """Store an event in the release's log; at a stage's beginning and end, note it in the database too."""
        self.office.logs.publish(self.release_id, event)
        if event.kind is EventKind.STAGE_STARTED and event.stage is not None:
            self._stage_began = time.perf_counter()
            self.steps.append({"stage": str(event.stage), "seconds": None, "state": "running"})
            self._later(partial(self._advance, event.stage, list(self.steps)))
        elif event.kind in (EventKind.STAGE_FINISHED, EventKind.STAGE_FAILED) and self.steps:
            state = "done" if event.kind is EventKind.STAGE_FINISHED else "failed"
            self.steps[-1] = {"stage": str(event.stage), "seconds": event.seconds, "state": state}

    async def host_port(self, *, instead_of: int | None = None, part: str = "") -> int:
        """The host port of the app or of one of its parts: the one it has, or a free one; `instead_of` one that Docker
        says is taken."""
        holder = part_of(self.container_name, part) if part else self.container_name
        return await asyncio.to_thread(self._reserve, instead_of, holder)

    async def generated(self, names: Sequence[str]) -> Mapping[str, str]:
        """The app's own secret values; they are hidden in what is logged until the release's log is closed."""
        if not names:
            return {}
        made = await asyncio.to_thread(generated_values, self.container_name, names, self.office.settings)
        self._hidden.enter_context(redactor.hiding(made.values()))
        return made

    async def planned(self, plan: Plan, commit: Commit) -> None:
        """Keep what was found, and in which commit, whatever becomes of it."""
        changes: ReleaseChanges = {
            "plan": _kept(plan),
            "commit_sha": commit.sha,
            "commit_subject": commit.subject,
            "commit_author": commit.author,
        }
        self._later(partial(self.office.database.releases.advance, self.release_id, Stage.DETECT, changes))

    async def record(self, outcome: Outcome) -> None:
        """Write down that the release is live."""
        await self._in_order(partial(self._succeed, outcome))

    async def fail(self, error: ButlerError) -> None:
        """Write down that the release failed, and whether the release before it still serves."""
        self.emit(
            Event(EventKind.FAILURE, self._stage(), error.message, detail=error.as_dict(self.trace_id)),
        )
        await self._in_order(partial(self._fail, error))

    def close(self) -> None:
        """End the release's log and tell the user's watchers how the app stands."""
        self.office.logs.close(self.release_id)
        self._hidden.close()
        self.announce()

    def announce(self) -> None:
        """Tell the user's watchers how the app stands now."""
        self._later(self._tell)

    def _tell(self) -> None:
        row = self.office.database.deployments.by_name(self.container_name)
        if row is None or self.loop.is_closed():
            return
        standing = standing_of(row, self.number)
        # The sockets belong to the event loop, and this runs in the writer's thread.
        self.loop.call_soon_threadsafe(self.office.connections.announce, self.user_id, standing)

    def _stage(self) -> Stage | None:
        return Stage(self.steps[-1]["stage"]) if self.steps else None

    def _advance(self, stage: Stage, steps: list[dict[str, Any]]) -> None:
        self.office.database.releases.advance(self.release_id, stage, {"steps": steps})
        self.office.database.deployments.move(self.deployment_id, Status.STARTING, stage)
        self._tell()

    def _reserve(self, instead_of: int | None, holder: str) -> int:
        ports, settings = self.office.database.ports, self.office.settings
        if instead_of is not None:
            ports.release(holder, only=[instead_of])
        held = ports.of(holder)
        if held:
            return min(held)

        def choose(others: set[int]) -> int:
            return port_discovery.free_host_port(
                settings.first_host_port,
                settings.last_host_port,
                lambda port: port in others or port == instead_of or port == settings.port,
                settings.publish_address,
            )

        return ports.reserve(holder, choose)

    def _succeed(self, outcome: Outcome) -> None:
        plan, commit, container = outcome.plan, outcome.commit, outcome.container
        self.office.database.releases.finish(
            self.release_id,
            Status.SUCCESS,
            {
                "commit_sha": commit.sha,
                "commit_subject": commit.subject,
                "commit_author": commit.author,
                "branch": commit.branch,
                "image_id": outcome.image_id,
                "image_tag": outcome.image_tag,
                "image_reused": outcome.image_reused,
                "plan": _kept(plan),
                "url": container.url,
                "steps": self._finished_steps(),
            },
            app=(Status.SUCCESS, Phase.LIVE),
            app_changes={
                "deployed_url": container.url,
                "host_port": container.host_port,
                "container_port": container.container_port,
                "strategy": plan.strategy,
                "framework": plan.framework,
                "commit_sha": commit.sha,
                "commit_subject": commit.subject,
                "current_release_id": self.release_id,
                "stopped_at": None,
                "error_code": None,
                "error_message": None,
                "error_hint": None,
            },
        )
        self.recorded = outcome

    def _finished_steps(self) -> list[dict[str, Any]]:
        """The steps as they will stand in a moment: the recording itself is the last and is ending."""
        seconds = round(time.perf_counter() - self._stage_began, 3)
        ended = {"state": "done", "seconds": seconds}
        return [step if step["state"] != "running" else {**step, **ended} for step in self.steps]

    def _fail(self, error: ButlerError) -> None:
        database = self.office.database
        app = database.deployments.by_id(self.deployment_id)
        if app.current_release_id is None:
            database.ports.release(self.container_name)
        database.releases.finish(
            self.release_id,
            Status.FAILED,
            {
                "error_code": str(error.code),
                "error_message": error.message,
                "error_hint": error.hint,
                "error_lines": list(error.lines),
                "steps": self.steps,
            },
            app=stands_as_before(app),
            app_changes={
                "error_code": str(error.code),
                "error_message": error.message,
                "error_hint": error.hint,
            },
        )

    def _later(self, write: Callable[[], object]) -> None:
        self.office.writer.submit(_logged, write)

    async def _in_order(self, write: Callable[[], object]) -> None:
        """Write after all that was to be written before. A write that was asked for happens, also when cancelled."""
        writing = asyncio.get_running_loop().run_in_executor(self.office.writer, write)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait({writing})
            raise


def _kept(plan: Plan) -> dict[str, Any]:
    """The plan as it is kept: with what checking the app again needs to know."""
    return {**plan_as_dict(plan), "expects_http": plan.expects_http}


def stands_as_before(app: Deployment) -> tuple[Status, Phase]:
    """How an app stands when an attempt to change it came to nothing: as its live release does."""
    if app.current_release_id is None:
        return Status.FAILED, Phase.FAILED
    return Status.SUCCESS, Phase.LIVE if app.stopped_at is None else Phase.STOPPED


def standing_of(app: Deployment, release: int | None) -> dict[str, Any]:
    """What watchers are told about how an app stands."""
    return {
        "deployment": app.container_name,
        "status": str(app.status),
        "phase": app.phase,
        "url": app.deployed_url,
        "release": release,
    }


def _logged(write: Callable[[], object]) -> None:
    try:
        write()
    except Exception:
        log.exception("a note about a release could not be written")
