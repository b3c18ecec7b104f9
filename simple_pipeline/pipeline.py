"""The story of a deployment, told in its nine steps; no HTTP, no SQL, no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import docker_build
import host_tools
from butler_file import plan_for
from dockerfile_templates.offers import offered_variables
from domain import Commit, DeployRequest, Emit, Event, EventKind, Kind, Outcome, Plan, Stage
from settings import Settings
from simple_pipeline.compose import handle_docker_compose_deployment
from simple_pipeline.conditions import with_variables, within_limits
from simple_pipeline.ledger import Ledger
from simple_pipeline.parts import handle_parts_deployment
from simple_pipeline.single import handle_dockerfile_deployment
from simple_pipeline.steps import Steps
from workspace import Checkout, Workspace, clone

Handle = Callable[[Plan, Checkout, DeployRequest, Emit, Settings, Ledger], Awaitable[Outcome]]


async def run_deployment_pipeline(request: DeployRequest, emit: Emit, *, settings: Settings, ledger: Ledger) -> Outcome:
    """Put a repository live and prove that it answers.

    The steps: validate, clone, detect, clean, build, start, find the port, verify the address, record. Each is told
    to `emit` with its duration. The release before this one serves until the new one has answered, and goes on
    serving where it does not.

    Raises DeploymentFailed (or another ButlerError) with the cause, the lines that show it and a remedy.
    """
    steps = Steps(emit)
    with steps(Stage.VALIDATE):
        docker_build.check_disk(settings)
        await host_tools.require_docker()

    async with AsyncExitStack() as stack:
        with steps(Stage.CLONE):
            checkout = await stack.enter_async_context(clone(request, emit, settings))

        with steps(Stage.DETECT):
            plan = await asyncio.to_thread(_found_in, checkout.workspace, request)
            await ledger.planned(plan, checkout.commit)
            tell_plan(plan, emit)
            request = await with_variables(plan, request, ledger)
            bounds = within_limits(plan, settings, emit)

        outcome = await _way_of(plan)(plan, checkout, request, emit, bounds, ledger)

    with steps(Stage.RECORD):
        await ledger.record(outcome)
        await docker_build.remove_old_images(request.container_name, settings, keep=settings.keep_images)
    return outcome


async def plan_repository(request: DeployRequest, emit: Emit, settings: Settings) -> tuple[Plan, Commit]:
    """What would be done with a repository, without doing it. Raises DeploymentFailed as the deployment would."""
    steps = Steps(emit)
    async with AsyncExitStack() as stack:
        with steps(Stage.CLONE):
            checkout = await stack.enter_async_context(clone(request, emit, settings))
        with steps(Stage.DETECT):
            return await asyncio.to_thread(_found_in, checkout.workspace, request), checkout.commit


def _found_in(workspace: Workspace, request: DeployRequest) -> Plan:
    """How the repository is deployed, with the variables that it says it takes."""
    plan = plan_for(workspace, request.backend_env, request.overrides)
    return replace(plan, variables=offered_variables(workspace))


def _way_of(plan: Plan) -> Handle:
    """How a plan is carried out."""
    if plan.kind is Kind.COMPOSE:
        return handle_docker_compose_deployment
    return handle_parts_deployment if plan.parts or plan.processes else handle_dockerfile_deployment


def tell_plan(plan: Plan, emit: Emit) -> None:
    """Say what was found, where each value came from, and what may surprise."""
    what = " · ".join(part for part in (plan.framework, plan.language, plan.version, plan.package_manager) if part)
    emit(Event(EventKind.NOTE, Stage.DETECT, f"{plan.kind}: {what}" if what else f"{plan.kind}"))
    for item in plan.evidence:
        emit(Event(EventKind.NOTE, Stage.DETECT, f"{item.field} = {item.value} (from {item.source})"))
    for warning in plan.warnings:
        text = f"{warning.message} {warning.remedy}"
        emit(Event(EventKind.WARNING, Stage.DETECT, text, detail={"code": warning.code}))
