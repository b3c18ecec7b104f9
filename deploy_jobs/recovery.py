"""After a restart: what was under way is settled, what should serve serves, and what nobody owns is removed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import docker_compose
import docker_run
import simple_pipeline
from database import Deployment, Release
from deploy_jobs.bookkeeping import Bookkeeping, Office, stands_as_before
from deploy_jobs.live import live_app
from domain import Phase
from robust_error_handler import ButlerError, Code, CommandFailed, DeploymentFailed
from workspace import remove_leftovers

log = logging.getLogger(__name__)

INTERRUPTED = DeploymentFailed(
    Code.INTERRUPTED, "The Butler was restarted while this deployment ran.", "Deploy again: nothing is half done."
)


async def settle_records(office: Office) -> None:
    """Write down what became of releases that were under way, remove their clones, forget old keys."""
    await asyncio.to_thread(remove_leftovers, office.settings)
    await asyncio.to_thread(office.database.keys.sweep)
    for release in await asyncio.to_thread(office.database.releases.unfinished):
        await _settle(office, release)
    for app in await asyncio.to_thread(office.database.deployments.unfinished):
        if app.phase != Phase.DELETING:
            await asyncio.to_thread(_stand_as_before, office, app)


async def match_engine(office: Office, locks: Mapping[str, asyncio.Lock]) -> None:
    """Make the engine agree with the records; one that does not answer is told, and left for the next start.

    Each app is looked at while nothing else is done with it: deployments may have begun already.
    """
    try:
        await _remove_strangers(office)
        for app in await asyncio.to_thread(office.database.deployments.all):
            async with locks[app.container_name]:
                now = await asyncio.to_thread(office.database.deployments.by_name, app.container_name)
                if now is not None:
                    await _match_app(office, now)
    except (ButlerError, CommandFailed) as error:
        log.warning("the engine could not be compared with the records: %s", error)


async def _settle(office: Office, release: Release) -> None:
    """Write down that a release was interrupted."""
    app = await asyncio.to_thread(office.database.deployments.by_id, release.deployment_id)
    books = Bookkeeping(
        office, app.user_id, app.id, app.container_name, release.id, release.number, release.trace_id, release.steps
    )
    if app.phase == Phase.DELETING:
        return
    await books.fail(INTERRUPTED)
    books.close()


def _stand_as_before(office: Office, app: Deployment) -> None:
    """An app whose releases have all ended stands as its live release does."""
    status, phase = stands_as_before(app)
    office.database.deployments.move(app.id, status, phase)


async def _match_app(office: Office, app: Deployment) -> None:
    settings = office.settings
    if app.phase == Phase.DELETING:
        await simple_pipeline.destroy_deployment(app.container_name, app.user_id, settings)
        await asyncio.to_thread(office.database.deployments.delete, app.id)
        return
    if app.current_release_id is None:
        await docker_compose.down(app.container_name, app.user_id, settings, remove_volumes=False)
        return
    await docker_run.stop_and_remove(f"{app.container_name}-next", settings, grace_seconds=0)
    await simple_pipeline.put_back(app.container_name, settings, start=app.stopped_at is None)
    if app.stopped_at is not None:
        await _stay_stopped(office, app)
    elif app.phase == Phase.LIVE:
        await _serve_again(office, app)


async def _stay_stopped(office: Office, app: Deployment) -> None:
    """Stop what a crash left running of an app that its user had stopped."""
    state = await simple_pipeline.app_state(app.container_name, office.settings)
    if state.is_up:
        await simple_pipeline.stop_app(await asyncio.to_thread(live_app, office, app), office.settings)
    if app.phase == Phase.LIVE:
        await asyncio.to_thread(office.database.deployments.move, app.id, app.status, Phase.STOPPED)


async def _serve_again(office: Office, app: Deployment) -> None:
    """Start what the engine was to keep running, and the site itself, whose start or restart may have been cut off."""
    settings = office.settings
    site = await docker_compose.site_of_stack(app.container_name, settings)
    for state in await docker_run.list_containers(settings, app=app.container_name):
        service = state.labels.get("com.docker.compose.service")
        is_site = state.name == app.container_name or (service is not None and service == site)
        if not state.running and (is_site or state.restart_policy in ("always", "unless-stopped")):
            log.info("starting %s again", state.name)
            await docker_run.start_again(state.id, settings)
        elif is_site and state.restart_policy == "no":
            await docker_run.keep_running(state.id, settings)


async def _remove_strangers(office: Office) -> None:
    """Remove containers that carry our label and belong to no app on record."""
    # In this order: an app is on record before it has a container.
    states = await docker_run.list_containers(office.settings)
    known = {app.container_name for app in await asyncio.to_thread(office.database.deployments.all)}
    strangers: dict[str, int] = {}
    for state in states:
        name = state.labels.get("butler.app", "")
        if name and name not in known:
            strangers[name] = int(state.labels.get("butler.user", "0"))
    for name, user_id in strangers.items():
        log.warning("removing %s, which is on no record", name)
        await simple_pipeline.destroy_deployment(name, user_id, office.settings)
