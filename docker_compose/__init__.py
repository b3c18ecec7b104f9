"""Runs a repository's Compose stack beside others: read by Compose, judged by a policy, rewritten, built and started.

The pipeline calls, in this order: `prepare` (nothing is changed yet), `build`, `up`, and, once the address answered,
`keep`. When anything after `up` fails it calls `restore_previous`. `down` removes a stack for good. `stop`, `start` and
`restart` are for a stack that was kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import docker_compose.building as building
from compose_file import Site, choose_site, read, site_of
from docker_build import remove_old_images
from docker_compose import blame, policy, repository_files, running
from docker_compose.blame import by_service
from docker_compose.lifecycle import CURRENT, facts_in, restart, resume_policies, site_of_stack, start, stop
from docker_compose.parts import parts_of, stack_of
from docker_compose.resolving import Resolved, resolve
from docker_compose.rewriting import SCRATCH_LABEL, carried_over, publisher, rewrite
from docker_compose.running import GENERATED, Facts, read_final, write_private
from docker_compose.stack import ComposeStack, app_folder, project_of
from docker_run import ContainerState, engine_facts, keep_running, log_lines
from domain import DeployRequest, Emit, Event, EventKind, Plan, RunningContainer, Stage
from robust_error_handler import Code, DeploymentFailed
from settings import Settings
from workspace import Checkout

__all__ = [
    "GENERATED",
    "ComposeStack",
    "app_folder",
    "build",
    "down",
    "forget",
    "keep",
    "lost_service",
    "parts_of",
    "prepare",
    "project_of",
    "restart",
    "restore_previous",
    "resume_policies",
    "root_cause",
    "service_logs",
    "site_of_stack",
    "start",
    "stack_of",
    "states",
    "stop",
    "tell_fallen",
    "up",
    "with_ports",
]

_NEXT = "compose.next.json"
_FILES = "files"


async def prepare(
    plan: Plan,
    checkout: Checkout,
    request: DeployRequest,
    emit: Emit,
    settings: Settings,
    *,
    host_port: int | None = None,
) -> ComposeStack:
    """Have Compose read the plan's file, refuse what may not run here, and choose the site; nothing is started.

    `host_port` is where the site is to be published (None lets Docker choose). What the stack binds from the
    repository is copied out of the clone. `emit` is told which file was used and what will differ from it.
    Raises DeploymentFailed (COMPOSE_INVALID, COMPOSE_REFUSED with a line for each finding, MISSING_VARIABLE,
    NOTHING_RECOGNISED), ButlerError(TOOL_MISSING).
    """
    workspace = checkout.workspace
    text = await asyncio.to_thread(read, workspace, plan.compose_file or "")
    project = project_of(request.container_name, settings)
    variables = {**request.frontend_env, **request.backend_env}
    resolved = await resolve(text, workspace, project=project, variables=variables, emit=emit)
    await asyncio.to_thread(policy.check, resolved.model, text, workspace.checkout)
    site = _site(plan, resolved.model, text.name)
    folder = app_folder(request.container_name, settings) / _FILES
    model, notes = await asyncio.to_thread(repository_files.settle, resolved.model, workspace.checkout, folder)
    _tell(emit, Stage.DETECT, _introduction(text.name, site), *resolved.notes, *notes)
    raw = text.model.get("services") or {}
    stack = ComposeStack(
        project=project,
        request=request,
        file_name=text.name,
        site=site,
        host_port=host_port,
        model=model,
        takes_environment=_takers(resolved, raw, site),
        raw_restarts=_restarts(resolved.model, raw),
        cpus=(await engine_facts()).cpus,
    )
    if not stack.built:
        message = "No service is built from this repository: the images that the Compose file names are what runs."
        emit(Event(EventKind.WARNING, Stage.DETECT, message))
    return stack


async def build(stack: ComposeStack, checkout: Checkout, emit: Emit, settings: Settings) -> ComposeStack:
    """Pull and build what the stack runs, with live output; a service that nothing changed for is not built again.

    Returns the stack with its images, and with the site's port where only the image's EXPOSE could tell it.
    Raises DeploymentFailed with the service's name.
    """
    return await building.build(stack, checkout, emit, settings)


def with_ports(stack: ComposeStack, *, host_port: int | None, container_port: int | None = None) -> ComposeStack:
    """The same stack on another host port (the first was taken), or with the site answering on another port."""
    if container_port is None:
        return replace(stack, host_port=host_port)
    site = Site(stack.site.service, container_port, "the sockets that listen in its container", stack.site.others)
    return replace(stack, site=site, host_port=host_port)


async def up(stack: ComposeStack, emit: Emit, settings: Settings) -> RunningContainer:
    """Start the stack in place of the one that ran before; unchanged services keep their containers.

    Returns the site's container: up, but not yet asked over HTTP. Its restart policy is `no` until `keep`. Volumes
    are kept. May be called again for the same stack with other ports. Raises PortTaken, DeploymentFailed.
    """
    folder = app_folder(stack.request.container_name, settings)
    previous = await asyncio.to_thread(read_final, folder / CURRENT)
    final, notes = rewrite(stack, settings)
    _tell(emit, Stage.START, *notes)
    await asyncio.to_thread(write_private, folder / _NEXT, carried_over(final, previous))
    return await running.start(folder / _NEXT, _facts_of(stack), emit, settings)


async def keep(stack: ComposeStack, container: RunningContainer, settings: Settings) -> None:
    """Make the stack that was just verified the one to come back to, and remove what only earlier ones used."""
    folder = app_folder(stack.request.container_name, settings)
    await keep_running(container.id, settings)
    await asyncio.to_thread((folder / _NEXT).replace, folder / CURRENT)
    await resume_policies(stack.request.container_name, settings)
    final = await asyncio.to_thread(read_final, folder / CURRENT) or {}
    await asyncio.to_thread(repository_files.remove_unused, folder / _FILES, final)
    await running.remove_scratch(stack.request.container_name, SCRATCH_LABEL, settings)
    keep_count = settings.keep_images * max(len(stack.built), 1)
    await remove_old_images(stack.request.container_name, settings, keep=keep_count)


async def restore_previous(
    container_name: str, user_id: int, emit: Emit, settings: Settings, *, start: bool = True
) -> RunningContainer | None:
    """After a failed `up`: bring back the stack that was kept last, or remove what the failed one left.

    Volumes stay in both cases. Returns the site's container, None when there was no earlier stack or when it is not
    to be started (`start`: it was stopped before).
    """
    folder = app_folder(container_name, settings)
    (folder / _NEXT).unlink(missing_ok=True)
    final = await asyncio.to_thread(read_final, folder / CURRENT)
    if final is None:
        await running.remove(container_name, user_id, settings, volumes=False)
        return None
    emit(Event(EventKind.NOTE, Stage.START, "The stack that was there before is brought back."))
    facts = facts_in(final, container_name, user_id)
    if not start:
        await running.lay_out(folder / CURRENT, facts, emit, settings)
        await stop(container_name, settings)
        return None
    container = await running.start(folder / CURRENT, facts, emit, settings)
    await keep_running(container.id, settings)
    return container


async def root_cause(stack: ComposeStack, error: DeploymentFailed, settings: Settings) -> DeploymentFailed:
    """What to say of a site that failed: the failure of the service that ended before it, where there is one."""
    return await blame.root_cause(error, stack.request.container_name, stack.site.service, settings)


async def lost_service(stack: ComposeStack, settings: Settings) -> str | None:
    """A service beside the site that will not come back by itself; None where there is hope."""
    return await blame.lost(stack.request.container_name, stack.site.service, settings)


async def tell_fallen(stack: ComposeStack, emit: Emit, settings: Settings) -> None:
    """Warn of each service that is down although the site answers."""
    await blame.tell_fallen(stack.request.container_name, stack.site.service, emit, settings)


async def down(container_name: str, user_id: int, settings: Settings, *, remove_volumes: bool) -> list[str]:
    """Remove a stack, with or without its file: containers, networks, images, copies; its data only when told.

    Every container gets a bounded time to end and is then killed. Returns the names of the removed containers.
    """
    return await running.remove(container_name, user_id, settings, volumes=remove_volumes)


def forget(container_name: str, settings: Settings) -> None:
    """There is no stack to come back to any more."""
    (app_folder(container_name, settings) / CURRENT).unlink(missing_ok=True)


async def states(container_name: str, settings: Settings) -> dict[str, ContainerState]:
    """How the containers of a stack stand, by service; empty for an app that is no stack."""
    return await by_service(container_name, settings)


async def service_logs(container_name: str, service: str, settings: Settings, *, tail: int = 50) -> list[str]:
    """The last lines that one service wrote; empty when there is no such service."""
    state = (await by_service(container_name, settings)).get(service)
    return [] if state is None else await log_lines(state.id, settings, tail=tail)


def _site(plan: Plan, model: Mapping[str, Any], name: str) -> Site:
    services = model["services"]
    if plan.main_service in services:
        chosen = choose_site(model)
        others = chosen.others if chosen and chosen.service == plan.main_service else ()
        site = site_of(services, str(plan.main_service), others=others)
        if plan.is_port_told:
            return replace(site, port=plan.port, source="`run.port`")
        return replace(site, port=site.port or plan.port)
    site_found = choose_site(model)
    if site_found is None:
        message = f"No service of {name} looks like a web site: {', '.join(services)} are databases and the like."
        raise DeploymentFailed(Code.NOTHING_RECOGNISED, message, "Add the app itself to the file, with its `ports:`.")
    return site_found


def _introduction(name: str, site: Site) -> str:
    port = f"port {site.port} (from {site.source})" if site.port else f"its port is found by {site.source}"
    others = f" It could also be: {', '.join(site.others)}." if site.others else ""
    return f'{name} is used, and no other Compose file. The site is the service "{site.service}", {port}.{others}'


def _takers(resolved: Resolved, raw: Mapping[str, Any], site: Site) -> frozenset[str]:
    """The services that get the user's variables: the site, those built here, and those that name an env file."""
    services = resolved.model["services"]
    named = {name for name, body in raw.items() if isinstance(body, Mapping) and body.get("env_file")}
    return frozenset(
        name for name, body in services.items() if name == site.service or body.get("build") or name in named
    )


def _restarts(model: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, str]:
    """What the file itself says about restarts; `no` is also what Compose fills in where it says nothing."""
    found = {}
    for name, body in model["services"].items():
        written = raw.get(name, {}).get("restart") if isinstance(raw.get(name), Mapping) else None
        condition = ((body.get("deploy") or {}).get("restart_policy") or {}).get("condition")
        words = {"none": "no", "any": "always"}
        found[name] = str(body.get("restart") or written or words.get(str(condition), condition) or "").lower()
    return found


def _facts_of(stack: ComposeStack) -> Facts:
    request, port = stack.request, stack.site.port
    host_port = stack.host_port if port is not None else None
    return Facts(request.container_name, request.user_id, stack.site.service, publisher(stack), port, host_port)


def _tell(emit: Emit, stage: Stage, *texts: str) -> None:
    for text in texts:
        emit(Event(EventKind.NOTE, stage, text))
