"""How the apps of a list stand on the engine: one look for all of them, kept for a moment and shared by who asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

import simple_pipeline
from database.models import now
from docker_run import ContainerState
from robust_error_handler import ButlerError, CommandFailed
from routes.views import AppStateView, DeploymentView
from settings import Settings
from simple_pipeline import AppState

log = logging.getLogger(__name__)
FRESH_SECONDS = 2.0
PATIENCE_SECONDS = 1.0
Containers = Mapping[str, Sequence[ContainerState]]


class AppStates:
    """Looks at the engine at most once at a time. Everything here runs in the server's event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._containers: Containers = {}
        self._seen_at: datetime | None = None
        self._looking: asyncio.Task[Containers | None] | None = None

    async def tell(self, views: Sequence[DeploymentView]) -> None:
        """Add to each app that was ever live how it stands; nothing where Docker does not answer soon."""
        live = [view for view in views if view.live_release is not None]
        if not live:
            return
        containers = await self._since(max(view.updated_at for view in live))
        for view in live if containers is not None else ():
            state = await simple_pipeline.app_state_among(view.container_name, containers or {}, self._settings)
            view.app_state = view_of(state, view)

    async def _since(self, changed_at: datetime) -> Containers | None:
        """The containers as they were seen a moment ago, and after the last change of an app; None without an answer."""
        for _ in range(2):  # a look that was under way may have begun before the change
            if self._is_fresh(changed_at):
                return self._containers
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            done, _ = await asyncio.wait({self._looking}, timeout=PATIENCE_SECONDS)
            if not done or self._looking.result() is None:
                return None
        return self._containers

    def _is_fresh(self, changed_at: datetime) -> bool:
        if self._seen_at is None or self._seen_at <= changed_at:
            return False
        return (now() - self._seen_at).total_seconds() < FRESH_SECONDS

    async def _look(self) -> Containers | None:
        began = now()
        try:
            self._containers = await simple_pipeline.all_containers(self._settings)
        except (ButlerError, CommandFailed) as error:
            log.debug("the containers could not be listed: %s", error)  # `/health` tells what is wrong with Docker
            return None
        self._seen_at = began
        return self._containers


def view_of(state: AppState, view: DeploymentView) -> AppStateView:
    """An app's state as its user sees it."""
    return AppStateView.of(state if view.stopped_at is None else simple_pipeline.as_stopped(state))
