"""A pipeline that deploys nothing: it tells the real steps, waits where it is told to, and ends as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

import simple_pipeline
from domain import Commit, DeployRequest, Emit, Event, EventKind, Evidence, Kind, Outcome, Plan, RunningContainer, Stage
from settings import Settings
from simple_pipeline import AppState, Condition, Ledger, LiveApp, ServiceState
from simple_pipeline.steps import Steps

PLAN = Plan(
    strategy="node",
    kind=Kind.NODE,
    framework="express",
    language="node",
    version="22",
    package_manager="npm",
    port=3000,
    evidence=(Evidence("port", "3000", "server.js"),),
)
COMMIT = Commit("0123456789abcdef0123456789abcdef01234567", "First", "Alice", "main", "89abcdef")


@dataclass
class FakePipeline:
    """Stands for the functions of `simple_pipeline` that deploy, plan and destroy.

    While `held`, a deployment waits in its build. `failure` makes the error that the build ends in, `says` are lines
    that it writes.
    """

    held: bool = False
    failure: Callable[[], Exception] | None = None
    says: tuple[str, ...] = ()
    requests: list[DeployRequest] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    most_at_once: int = 0
    ended: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    destroyed: list[str] = field(default_factory=list)
    destroy_failure: Callable[[], Exception] | None = None
    states: dict[str, Condition] = field(default_factory=dict)
    deeds: list[str] = field(default_factory=list)
    deed_failure: Callable[[], Exception] | None = None
    deed_held: bool = False
    looks: int = 0
    look_failure: Exception | None = None
    look_held: bool = False

    def install(self, patch: pytest.MonkeyPatch) -> FakePipeline:
        """Put this in the real one's place."""
        patch.setattr(simple_pipeline, "run_deployment_pipeline", self.run)
        patch.setattr(simple_pipeline, "plan_repository", self.plan)
        patch.setattr(simple_pipeline, "destroy_deployment", self.destroy)
        patch.setattr(simple_pipeline, "app_state", self.app_state)
        patch.setattr(simple_pipeline, "all_containers", self.all_containers)
        patch.setattr(simple_pipeline, "app_state_among", self.app_state_among)
        for deed in ("stop", "start", "restart"):
            patch.setattr(simple_pipeline, f"{deed}_app", getattr(self, deed))
        return self

    async def run(self, request: DeployRequest, emit: Emit, *, settings: Settings, ledger: Ledger) -> Outcome:
        """What `run_deployment_pipeline` does, without doing it."""
        self.requests.append(request)
        self.running.append(request.container_name)
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            return await self._deploy(request, emit, ledger)
        except asyncio.CancelledError:
            self.cancelled.append(request.container_name)
            raise
        finally:
            self.running.remove(request.container_name)
            self.ended.append(request.container_name)

    async def _deploy(self, request: DeployRequest, emit: Emit, ledger: Ledger) -> Outcome:
        steps = Steps(emit)
        with steps(Stage.CLONE):
            await asyncio.sleep(0)
        with steps(Stage.BUILD):
            for line in self.says:
                emit(Event(EventKind.LINE, Stage.BUILD, line))
            while self.held:  # noqa: ASYNC110 - set from other threads too
                await asyncio.sleep(0.005)
            if self.failure is not None:
                raise self.failure()
        with steps(Stage.START):
            port = await ledger.host_port()
            container = RunningContainer(
                "c" * 64, request.container_name, "sha256:1", 3000, port, f"http://localhost:{port}"
            )
        outcome = Outcome(container, PLAN, COMMIT, "sha256:1", f"local-registry/{request.container_name}:1", False)
        self.states[request.container_name] = Condition.RUNNING
        with steps(Stage.RECORD):
            await ledger.record(outcome)
        return outcome

    async def app_state(self, container_name: str, settings: Settings) -> AppState:
        """What `app_state` does: how an app was left."""
        state = self.states.get(container_name, Condition.MISSING)
        site = ServiceState("", True, state, datetime(2024, 1, 15, tzinfo=UTC), 0, None, False)
        return AppState(site, (site,))

    async def all_containers(self, settings: Settings) -> dict[str, Any]:
        """What `all_containers` does: a look at how every app was left."""
        self.looks += 1
        while self.look_held:  # noqa: ASYNC110 - set from other threads too
            await asyncio.sleep(0.005)
        if self.look_failure is not None:
            raise self.look_failure
        return dict(self.states)

    async def app_state_among(self, container_name: str, containers: Any, settings: Settings) -> AppState:
        """What `app_state_among` does."""
        state = containers.get(container_name, Condition.MISSING)
        site = ServiceState("", True, state, datetime(2024, 1, 15, tzinfo=UTC), 0, None, False)
        return AppState(site, (site,))

    async def stop(self, app: LiveApp, settings: Settings) -> None:
        """What `stop_app` does, without doing it."""
        await self._do("stop", app, Condition.EXITED)

    async def start(self, app: LiveApp, emit: Emit, settings: Settings) -> None:
        """What `start_app` does, without doing it."""
        await self._do("start", app, Condition.RUNNING)

    async def restart(self, app: LiveApp, emit: Emit, settings: Settings) -> None:
        """What `restart_app` does, without doing it."""
        await self._do("restart", app, Condition.RUNNING)

    async def _do(self, deed: str, app: LiveApp, becomes: Condition) -> None:
        self.deeds.append(f"{deed} {app.container_name}")
        while self.deed_held:  # noqa: ASYNC110 - set from other threads too
            await asyncio.sleep(0.005)
        if self.deed_failure is not None:
            raise self.deed_failure()
        self.states[app.container_name] = becomes

    async def plan(self, request: DeployRequest, emit: Emit, settings: Settings) -> tuple[Plan, Commit]:
        """What `plan_repository` does, without doing it."""
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure()
        return PLAN, COMMIT

    async def destroy(self, container_name: str, user_id: int, settings: Settings) -> None:
        """What `destroy_deployment` does, without doing it."""
        if self.destroy_failure is not None:
            raise self.destroy_failure()
        self.destroyed.append(container_name)
