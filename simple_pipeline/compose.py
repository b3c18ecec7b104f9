"""Carrying out a plan that is a Compose stack: read, judged, built, brought up, checked, or put back as it was."""

from __future__ import annotations

import asyncio

import docker_compose
from docker_compose import ComposeStack
from domain import DeployRequest, Emit, Event, EventKind, Outcome, Plan, RunningContainer, Stage
from robust_error_handler import PortTaken
from settings import Settings
from simple_pipeline.ledger import Ledger
from simple_pipeline.single import is_stopped
from simple_pipeline.stack_checks import or_its_cause
from simple_pipeline.steps import Steps
from simple_pipeline.verification import detect_running_port, verify
from workspace import Checkout

_PORT_ATTEMPTS = 20


async def handle_docker_compose_deployment(
    plan: Plan, checkout: Checkout, request: DeployRequest, emit: Emit, settings: Settings, ledger: Ledger
) -> Outcome:
    """Bring a stack up in its own project, with only its site published, and prove that the site answers.

    Where it does not, the stack that ran before comes back; volumes stay in every case.
    """
    steps = Steps(emit)
    with steps(Stage.CLEAN):
        host_port = await ledger.host_port()
        stack = await docker_compose.prepare(plan, checkout, request, emit, settings, host_port=host_port)
    with steps(Stage.BUILD):
        stack = await docker_compose.build(stack, checkout, emit, settings)
    before = await docker_compose.states(request.container_name, settings)
    was_stopped = bool(before) and all(is_stopped(state) for state in before.values())
    try:
        container = await _put_live(stack, plan, emit, settings, ledger, steps)
    except BaseException:
        await asyncio.shield(
            docker_compose.restore_previous(
                request.container_name, request.user_id, emit, settings, start=not was_stopped
            )
        )
        raise
    return Outcome(container, plan, checkout.commit, container.image_id, stack.images.get(stack.site.service), False)


async def _put_live(
    stack: ComposeStack, plan: Plan, emit: Emit, settings: Settings, ledger: Ledger, steps: Steps
) -> RunningContainer:
    with steps(Stage.START):
        stack, container = await _up(stack, emit, settings, ledger)
    with steps(Stage.PORT):
        found = await or_its_cause(
            detect_running_port(container, plan, emit, settings), container, stack, settings, plan.healthcheck
        )
        if found.port != container.container_port:
            moved = docker_compose.with_ports(stack, host_port=stack.host_port, container_port=found.port)
            stack, container = await _up(moved, emit, settings, ledger)
        else:
            emit(Event(EventKind.NOTE, Stage.PORT, found.told(container.container_port)))
    with steps(Stage.VERIFY):
        await or_its_cause(verify(container, plan, emit, settings), container, stack, settings, plan.healthcheck)
        await docker_compose.tell_fallen(stack, emit, settings)
        await docker_compose.keep(stack, container, settings)
    return container


async def _up(
    stack: ComposeStack, emit: Emit, settings: Settings, ledger: Ledger
) -> tuple[ComposeStack, RunningContainer]:
    """Bring the stack up; where its host port was taken in between, on the next one."""
    for _attempt in range(_PORT_ATTEMPTS):
        try:
            return stack, await docker_compose.up(stack, emit, settings)
        except PortTaken as error:
            emit(Event(EventKind.NOTE, Stage.START, f"{error.message} Trying the next one."))
            host_port = await ledger.host_port(instead_of=stack.host_port)
            stack = docker_compose.with_ports(stack, host_port=host_port)
    return stack, await docker_compose.up(stack, emit, settings)
