"""Carrying out a plan of several containers of one's own: two parts with an address each, or a site and its processes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import docker_compose
import docker_run
from docker_compose import ComposeStack
from docker_run import RunSpec, app_url
from domain import DeployRequest, Emit, Event, EventKind, Evidence, Outcome, Plan, RunningContainer, Stage
from robust_error_handler import Code, DeploymentFailed, PortTaken
from settings import Settings
from simple_pipeline.ledger import Ledger
from simple_pipeline.neighbours import single_put_back, single_removed, single_set_aside
from simple_pipeline.release_command import run_release_command
from simple_pipeline.stack_checks import Result, or_its_cause
from simple_pipeline.steps import Steps
from simple_pipeline.verification import detect_running_port, verify
from workspace import Checkout

_PORT_ATTEMPTS = 5


async def handle_parts_deployment(
    plan: Plan, checkout: Checkout, request: DeployRequest, emit: Emit, settings: Settings, ledger: Ledger
) -> Outcome:
    """Build each part, start them together on the app's networks, and prove that each address answers.

    Where one does not, what ran before comes back.
    """
    team = _Team(plan, checkout, request, emit, settings, ledger)
    steps = Steps(emit)
    with steps(Stage.CLEAN):
        await team.choose_addresses()
    with steps(Stage.BUILD):
        await team.build()
    try:
        container = await team.put_live(steps)
    except BaseException:
        await asyncio.shield(team.undo())
        raise
    image = team.stack.images.get(team.stack.site.service)
    return Outcome(container, team.plan, checkout.commit, container.image_id, image, False)


class _Team:
    """The parts of one release on their way to being live."""

    stack: ComposeStack

    def __init__(
        self, plan: Plan, checkout: Checkout, request: DeployRequest, emit: Emit, settings: Settings, ledger: Ledger
    ) -> None:
        self.plan = plan
        self._checkout = checkout
        self._request = request
        self._emit = emit
        self._settings = settings
        self._ledger = ledger

    async def choose_addresses(self) -> None:
        """One host port for the site and one for each other part: they are known before anything is built."""
        site, *others = docker_compose.parts_of(self.plan)
        ports = {site.name: await self._ledger.host_port()}
        for part in others:
            ports[part.name] = await self._ledger.host_port(part=part.name)
        self.stack = await docker_compose.stack_of(
            self.plan, self._checkout.commit, self._request, self._settings, host_ports=ports
        )

    async def build(self) -> None:
        """An image for each part."""
        self.stack = await docker_compose.build(self.stack, self._checkout, self._emit, self._settings)

    async def put_live(self, steps: Steps) -> RunningContainer:
        """Release commands, then all parts, then the questions that prove each of them."""
        with steps(Stage.START):
            await self._release()
            await single_set_aside(self._request.container_name, self._settings)
            container = await self._up()
        with steps(Stage.PORT):
            found = await self._checked(
                detect_running_port(container, self.plan, self._emit, self._settings), container
            )
            if found.port != container.container_port:
                moved = docker_compose.with_ports(self.stack, host_port=self.stack.host_port, container_port=found.port)
                self.stack = moved
                container = await self._up()
            else:
                self._note(found.told(container.container_port), Stage.PORT)
        with steps(Stage.VERIFY):
            await self._verify_others()
            await self._checked(verify(container, self.plan, self._emit, self._settings), container)
            await self._processes_stay_up()
            await docker_compose.keep(self.stack, container, self._settings)
            await single_removed(self._request.container_name, self._settings)
        return container

    async def undo(self) -> None:
        """Bring back what ran before: a stack, or a single container."""
        request = self._request
        if not await single_put_back(request.container_name, self._settings):
            await docker_compose.restore_previous(request.container_name, request.user_id, self._emit, self._settings)

    async def _up(self) -> RunningContainer:
        for _attempt in range(_PORT_ATTEMPTS):
            try:
                return await docker_compose.up(self.stack, self._emit, self._settings)
            except PortTaken as error:
                await self._change_address(error)
        return await docker_compose.up(self.stack, self._emit, self._settings)

    async def _change_address(self, error: PortTaken) -> None:
        """Another address for the part whose port was taken. It is built into the others, so they are built again."""
        taken = {int(number) for line in error.lines for number in re.findall(r":(\d+)\b", line)}
        part = next((name for name, (_, port) in self.stack.addresses.items() if port in taken), "")
        instead_of = self.stack.addresses[part][1] if part else self.stack.host_port
        self._note(f"The host port {instead_of} is taken by something else. Trying the next one.")
        await self._ledger.host_port(instead_of=instead_of, part=part)
        await self.choose_addresses()
        await self.build()

    async def _release(self) -> None:
        names = await docker_run.ensure_networks(
            self._request.container_name, self._request.user_id, self._settings, self._emit
        )
        for name, part in self.stack.parts.items():
            if part.release is None:
                continue
            tag = self.stack.images[name]
            environment = self.stack.model["services"][name]["environment"]
            labels = docker_run.labels_for(self._request, self._settings)
            alias = f"{self._request.container_name}-{name}"
            spec = RunSpec(alias, tag, labels, names, alias, env=environment)
            await run_release_command(part.release, spec, self._emit, self._settings)

    async def _checked(self, checking: Coroutine[Any, Any, Result], container: RunningContainer) -> Result:
        return await or_its_cause(checking, container, self.stack, self._settings, self.plan.healthcheck)

    async def _verify_others(self) -> None:
        """Ask the other parts at their own addresses."""
        states = await docker_compose.states(self._request.container_name, self._settings)
        for name, (port, host_port) in self.stack.addresses.items():
            state = states.get(name)
            if state is None:
                raise DeploymentFailed(Code.CRASHED_AT_START, f"{name} has no container.", "Deploy again.")
            url = app_url(host_port, self._settings)
            container = RunningContainer(state.id, state.name, state.image_id, port, host_port, url)
            try:
                await verify(container, self.stack.parts[name], self._emit, self._settings, has_settled=True)
            except DeploymentFailed as error:
                raise DeploymentFailed(error.code, f"{name}: {error.message}", error.hint, error.lines) from error
            self._note(f"{name} is at {url}, and at http://{name}:{port} for the other parts.", Stage.VERIFY)
            reason = Evidence(f"{name}.address", url, "its own host port")
            others = tuple(entry for entry in self.plan.evidence if entry.field != reason.field)
            self.plan = replace(self.plan, evidence=(*others, reason))

    async def _processes_stay_up(self) -> None:
        """A process that has ended by now, or was started again, does not work."""
        states = await docker_compose.states(self._request.container_name, self._settings)
        for name in self.stack.copies:
            state = states.get(name)
            if state is not None and state.running and not state.restart_count:
                self._note(f"The process {name} runs.", Stage.VERIFY)
                continue
            lines = [] if state is None else await docker_run.log_lines(state.id, self._settings, tail=40)
            code = "without a container" if state is None else f"with code {state.exit_code}"
            hint = "Look at its last lines, and at its command in `run.processes` of butler.yml."
            raise DeploymentFailed(Code.CRASHED_AT_START, f"The process {name} ended {code}.", hint, lines[-20:])

    def _note(self, text: str, stage: Stage = Stage.START) -> None:
        self._emit(Event(EventKind.NOTE, stage, text))
