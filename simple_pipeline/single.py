"""Carrying out a plan that is one container: built, started, checked, and swapped in for the release before it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import docker_build
import docker_run
from docker_run import FINGERPRINT_LABEL, ContainerState, Networks, RunSpec
from domain import Commit, DeployRequest, Emit, Event, EventKind, Image, Outcome, Plan, RunningContainer, Stage
from robust_error_handler import PortTaken
from settings import Settings
from simple_pipeline.ledger import Ledger
from simple_pipeline.neighbours import StackBefore, put_back
from simple_pipeline.release_command import run_release_command
from simple_pipeline.steps import Steps
from simple_pipeline.verification import detect_running_port, verify
from workspace import Checkout

DEFAULT_PORT = 8080
_PORT_ATTEMPTS = 20


async def handle_dockerfile_deployment(
    plan: Plan, checkout: Checkout, request: DeployRequest, emit: Emit, settings: Settings, ledger: Ledger
) -> Outcome:
    """Build the plan's Dockerfile and put the image live, with the release before it serving until then.

    A first release starts on the app's own address. A later one is started beside the running one, on an address of
    its own, and takes over only when it has answered. Where nothing at all changed, what runs is checked and kept.
    """
    steps = Steps(emit)
    release = _Release(plan, checkout.commit, request, emit, settings, ledger)
    with steps(Stage.CLEAN):
        await release.clear_the_way()
    try:
        with steps(Stage.BUILD):
            image = await docker_build.build_image(plan, checkout, request, emit, settings)
        container = await release.put_live(image, steps)
    except BaseException:
        await asyncio.shield(release.undo())
        raise
    return Outcome(container, release.plan, checkout.commit, image.id, image.tag, image.reused)


class _Release:
    """One image on its way to being the app's live container."""

    def __init__(
        self, plan: Plan, commit: Commit, request: DeployRequest, emit: Emit, settings: Settings, ledger: Ledger
    ) -> None:
        self.plan = plan
        self._commit = commit
        self._request = request
        self._emit = emit
        self._settings = settings
        self._ledger = ledger
        self._live = request.container_name
        self._next = f"{request.container_name}-next"
        self._previous = f"{request.container_name}-previous"
        self._before: ContainerState | None = None

    async def clear_the_way(self) -> None:
        """Remove what an interrupted attempt left, put a set-aside release back, and begin to make the networks."""
        await asyncio.gather(
            docker_run.stop_and_remove(self._next, self._settings, grace_seconds=0),
            put_back(self._live, self._settings),
        )
        self._before = await docker_run.inspect(self._live, self._settings)
        self._stack = await StackBefore.of(self._live, self._settings)
        # Making networks takes a while, and a build does not need them.
        self._networks = asyncio.create_task(
            docker_run.ensure_networks(self._request.container_name, self._request.user_id, self._settings, self._emit)
        )

    async def put_live(self, image: Image, steps: Steps) -> RunningContainer:
        """Start the image, check it, and make it the one that serves."""
        before = self._before
        is_rehearsal = before is not None and before.running and before.image_id != image.id
        port = self._expected_port(image, before)
        networks = await self._networks
        with steps(Stage.START):
            container = self._kept(before, self._spec(image, port, self._live, networks, _host_port_of(before)))
            if container is not None:
                self._note("Nothing changed since the release that runs: it is checked and goes on.")
            else:
                await self._run_release_command(image, port, networks)
                await self._stack.set_aside()
                if is_rehearsal:
                    self._note("The running release serves until the new one has answered.")
                elif before is not None:
                    await self._set_aside()
                container = await self._start(image, port, self._next if is_rehearsal else self._live)
        with steps(Stage.PORT):
            container = await self._on_the_right_port(container, image)
        with steps(Stage.VERIFY):
            await verify(container, self.plan, self._emit, self._settings)
            if is_rehearsal:
                container = await self._take_over(image, container.container_port)
            await docker_run.stop_and_remove(self._previous, self._settings, grace_seconds=0)
            await self._stack.remove(self._live)
        return container

    async def undo(self) -> None:
        """After a failure: remove the new container, and have the release before it serve again."""
        await asyncio.wait({self._networks})
        await docker_run.stop_and_remove(self._next, self._settings, grace_seconds=0)
        was_stopped = self._before is not None and is_stopped(self._before)
        if await put_back(self._live, self._settings, start=not was_stopped) or self._before is not None:
            return
        await docker_run.stop_and_remove(self._live, self._settings, grace_seconds=0)
        if not await self._stack.put_back():
            await docker_run.remove_app(self._live, self._request.user_id, self._settings)

    def _kept(self, before: ContainerState | None, wanted: RunSpec) -> RunningContainer | None:
        """The running container, where it is exactly what would be started in its place."""
        if before is None or not before.running or before.restart_count:
            return None
        if before.labels.get(FINGERPRINT_LABEL) != wanted.labels[FINGERPRINT_LABEL]:
            return None
        host_port = wanted.host_port
        url = docker_run.app_url(host_port, self._settings) if host_port else None
        return RunningContainer(before.id, before.name, before.image_id, wanted.container_port, host_port, url)

    async def _run_release_command(self, image: Image, port: int | None, networks: Networks) -> None:
        if self.plan.release is not None:
            spec = self._spec(image, port, self._live, networks, None)
            await run_release_command(self.plan.release, spec, self._emit, self._settings)

    def _expected_port(self, image: Image, before: ContainerState | None) -> int | None:
        if self.plan.is_port_told:
            return self.plan.port
        if before is not None and before.image_id == image.id and before.wanted_ports:
            return next(iter(before.wanted_ports))
        told = self._request.backend_env.get("PORT", "")
        if told.isdigit() and 0 < int(told) < 65536:
            return int(told)
        if not self.plan.expects_http and self.plan.port is None:
            return None
        return self.plan.port or next(iter(image.exposed_ports), DEFAULT_PORT)

    async def _set_aside(self) -> None:
        await docker_run.rename(self._live, self._previous, self._settings)
        await docker_run.stop(self._previous, self._settings)

    async def _take_over(self, image: Image, port: int | None) -> RunningContainer:
        """The rehearsed image takes the live container's place and address; its own address closes."""
        await asyncio.gather(docker_run.stop_and_remove(self._next, self._settings, grace_seconds=0), self._set_aside())
        container = await self._start(image, port, self._live)
        await verify(container, self.plan, self._emit, self._settings, has_settled=True)
        return container

    async def _on_the_right_port(self, container: RunningContainer, image: Image) -> RunningContainer:
        if container.container_port is None:
            return container
        found = await detect_running_port(container, self.plan, self._emit, self._settings, exposed=image.exposed_ports)
        if found.port == container.container_port:
            self._note(found.told(container.container_port), Stage.PORT)
            return container
        self.plan = replace(self.plan, port=found.port)
        return await self._start(image, found.port, container.name)

    def _note(self, text: str, stage: Stage = Stage.START) -> None:
        self._emit(Event(EventKind.NOTE, stage, text))

    async def _start(self, image: Image, port: int | None, name: str) -> RunningContainer:
        """Start a container; a rehearsal gets a port of Docker's choice, the live one the app's own."""
        networks = await self._networks
        is_live = name == self._live and port is not None
        host_port = await self._ledger.host_port() if is_live else None
        for _attempt in range(_PORT_ATTEMPTS):
            try:
                return await docker_run.start_container(
                    self._spec(image, port, name, networks, host_port), self._settings
                )
            except PortTaken as error:
                if host_port is None:
                    raise
                self._note(f"{error.message} Trying the next one.")
                host_port = await self._ledger.host_port(instead_of=host_port)
        return await docker_run.start_container(self._spec(image, port, name, networks, host_port), self._settings)

    def _spec(self, image: Image, port: int | None, name: str, networks: Networks, host_port: int | None) -> RunSpec:
        url = docker_run.app_url(host_port, self._settings) if host_port else None
        spec = RunSpec(
            name=name,
            image_id=image.id,
            labels=docker_run.labels_for(self._request, self._settings),
            networks=networks,
            alias=name,
            container_port=port,
            host_port=host_port,
            command=self.plan.command,
            env=docker_run.app_environment(
                self._request, run_env=self.plan.run_env, container_port=port, commit=self._commit.sha, url=url
            ),
        )
        return replace(spec, labels={**spec.labels, FINGERPRINT_LABEL: docker_run.fingerprint(spec, self._settings)})


def _host_port_of(before: ContainerState | None) -> int | None:
    return next(iter(before.wanted_ports.values()), None) if before is not None else None


def is_stopped(state: ContainerState) -> bool:
    """Whether a container was stopped on purpose: the engine is not to start it either."""
    return not state.running and state.restart_policy == "no"
