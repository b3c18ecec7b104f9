"""Starts a stack's final file, joins the site to its user's and to the shared network, and removes it all again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import shell
from docker_build import remove_old_images
from docker_compose.blame import FINAL, by_service, crashed, root_cause
from docker_compose.resolving import PINNED_ENVIRONMENT, engine_environment, tool_missing
from docker_compose.stack import app_folder, network_name, project_of
from docker_run import (
    ContainerState,
    app_url,
    ask,
    ensure_networks,
    inspect,
    log_lines,
    networks_of,
    remove_app,
    remove_network,
)
from docker_run.engine import said_by
from docker_run.networks import first_free_subnet, network_argv
from domain import Emit, Event, EventKind, RunningContainer, Stage
from failure_advice import explain, is_host_port_taken
from robust_error_handler import Code, CommandFailed, CommandTimedOut, DeploymentFailed, PortTaken
from settings import Settings

UP_SECONDS = 600
STOP_SECONDS = 10
_STARTS = 4
_WATCH_SECONDS = 1.0
_NETWORK_BITS = 27
NO_FILE = Path("/dev/null")
GENERATED = "generated"
"""The file with the values that were made for an app, which outlive its stacks."""


@dataclass(frozen=True)
class Facts:
    """What a final file says about itself under `x-butler`, and whose it is."""

    container_name: str
    user_id: int
    site: str
    publisher: str
    container_port: int | None
    host_port: int | None


def up_argv(project: str, file: Path, *, start: bool = True) -> list[str]:
    """`docker compose up` of a final file; what it no longer names goes, and nothing is built."""
    return [
        *("docker", "compose", "--ansi", "never", "--project-name", project, "--file", str(file)),
        *("--project-directory", str(file.parent), "--env-file", str(NO_FILE), "up"),
        *("--detach" if start else "--no-start", "--no-build"),
        *("--remove-orphans", "--timeout", str(STOP_SECONDS)),
    ]


def connect_argvs(container: str, container_name: str, user_id: int, settings: Settings) -> list[list[str]]:
    """Join the user's network under the app's name, and the shared one under none (an alias there would mix users)."""
    names = networks_of(container_name, user_id, settings)
    connect = ["docker", "network", "connect"]
    return [[*connect, "--alias", container_name, names.user, container], [*connect, names.shared, container]]


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file that only the Butler can read (it holds the stack's variables), at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump(content, file, indent=1)
    draft.replace(path)


def read_final(path: Path) -> dict[str, Any] | None:
    """A final file that was written before; None when there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except FileNotFoundError:
        return None
    return found


async def start(file: Path, facts: Facts, emit: Emit, settings: Settings) -> RunningContainer:
    """Bring a final file up and return the site's container, which is up at that moment.

    Raises PortTaken; DeploymentFailed (CRASHED_AT_START with the service's last lines, NOT_ANSWERING for one that
    never became healthy, and what the advice table knows).
    """
    final = await asyncio.to_thread(read_final, file) or {}
    await ensure_networks(facts.container_name, facts.user_id, settings, emit)
    internal = (final.get("x-butler") or {}).get("internal") or []
    for declared in sorted((final.get("networks") or {}).keys() - {"default"}):
        await _ensure_network(declared, facts, settings, internal=declared in internal)
    await _up(file, facts, emit, settings)
    for part in (final.get("x-butler") or {}).get("parts") or []:
        await _join_part(part, facts, settings)
    return await _joined(facts, emit, settings)


async def lay_out(file: Path, facts: Facts, emit: Emit, settings: Settings) -> None:
    """Have the containers of a final file there, in place of others, without starting any."""
    await ensure_networks(facts.container_name, facts.user_id, settings, emit)
    await _up(file, facts, emit, settings, start=False)


async def remove(container_name: str, user_id: int, settings: Settings, *, volumes: bool) -> list[str]:
    """Remove a stack without its file: containers, networks, images, copied files, and its volumes when told."""
    labels = [f"label=butler.instance={settings.instance}", f"label=butler.app={container_name}"]
    removed = await remove_app(container_name, user_id, settings)
    for name in await _names(["docker", "network", "ls", "--format", "{{.Name}}"], labels):
        await remove_network(name, evict=True)
    if volumes:
        for name in await _names(["docker", "volume", "ls", "--format", "{{.Name}}"], labels):
            await _quietly(["docker", "volume", "rm", "--force", name], waiting_for="a volume to go")
    await remove_old_images(container_name, settings, keep=0)
    await asyncio.to_thread(_remove_files, app_folder(container_name, settings), volumes)
    return removed


def _remove_files(folder: Path, with_secrets: bool) -> None:
    """Remove what was kept for a stack. Values that were made for it stay as long as its volumes, which know them."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif with_secrets or entry.name != GENERATED:
            entry.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


async def remove_scratch(container_name: str, label: str, settings: Settings) -> None:
    """Remove an app's scratch volumes that no container uses any more."""
    labels = [
        f"label=butler.instance={settings.instance}",
        f"label=butler.app={container_name}",
        f"label={label}",
        "dangling=true",
    ]
    for name in await _names(["docker", "volume", "ls", "--format", "{{.Name}}"], labels):
        await _quietly(["docker", "volume", "rm", name], waiting_for="a volume to go")


async def _up(file: Path, facts: Facts, emit: Emit, settings: Settings, *, start: bool = True) -> None:
    project = project_of(facts.container_name, settings)

    def on_line(line: str) -> None:
        if line.strip():
            emit(Event(EventKind.LINE, Stage.START, line.strip().replace(f"{project}-", "")))

    try:
        await shell.stream(
            up_argv(project, file, start=start),
            on_line,
            timeout_seconds=UP_SECONDS,
            waiting_for="the stack to start",
            env={**PINNED_ENVIRONMENT, **engine_environment(), "DOCKER_CLI_HINTS": "false"},
        )
    except CommandTimedOut:
        raise
    except CommandFailed as error:
        raise await _explained(error, facts, settings) from error


async def _joined(facts: Facts, emit: Emit, settings: Settings) -> RunningContainer:
    states = await by_service(facts.container_name, settings)
    site, publisher = states.get(facts.site), states.get(facts.publisher)
    if site is None or publisher is None:
        message = f'Service "{facts.site}" has no container although Compose started the stack.'
        raise DeploymentFailed(Code.CRASHED_AT_START, message, "Deploy again; see the log of the start.")
    for argv in connect_argvs(publisher.id, facts.container_name, facts.user_id, settings):
        await _join(argv)
    site = await _stays_up(site, facts, emit, settings, is_alone=len(states) == 1)
    host_port = publisher.ports.get(facts.container_port or 0, facts.host_port)
    url = app_url(host_port, settings) if host_port and facts.container_port else None
    return RunningContainer(site.id, site.name, site.image_id, facts.container_port, host_port, url)


async def _join_part(service: str, facts: Facts, settings: Settings) -> None:
    """A part with an address of its own joins the user's and the shared network too, as `<app>-<part>`."""
    state = (await by_service(facts.container_name, settings)).get(service)
    names = networks_of(facts.container_name, facts.user_id, settings)
    alias = ["--alias", f"{facts.container_name}-{service}"]
    for words in ([*alias, names.user], [names.shared]) if state else ():
        await _join(["docker", "network", "connect", *words, state.id])  # type: ignore[union-attr]


async def _join(argv: list[str]) -> None:
    try:
        await ask(argv, waiting_for="a container to join its networks")
    except CommandFailed as error:
        if "already exists in network" not in said_by(error):
            raise


async def _stays_up(
    site: ContainerState, facts: Facts, emit: Emit, settings: Settings, *, is_alone: bool
) -> ContainerState:
    """Watch the site for a moment; one that ends because the rest of its stack is not ready is started again."""
    for attempt in range(1, _STARTS + 1):
        await asyncio.sleep(_WATCH_SECONDS * (1 if attempt == 1 else 2))
        state = await inspect(site.id, settings)
        if state is None or state.running:
            return state or site
        failure = await crashed(facts.site, state, settings)
        if is_alone or attempt == _STARTS or failure.code in FINAL:
            raise await root_cause(failure, facts.container_name, facts.site, settings)
        text = f'Service "{facts.site}" ended with code {state.exit_code}; it may need the rest of the stack, so it is '
        emit(Event(EventKind.NOTE, Stage.START, f"{text}started again ({attempt + 1} of {_STARTS})."))
        await asyncio.sleep(attempt)
        await ask(["docker", "start", site.id], waiting_for="the site to start again")
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _explained(error: CommandFailed, facts: Facts, settings: Settings) -> Exception:
    said = "\n".join(error.tail)
    missing = tool_missing(said)
    if missing:
        return missing
    if is_host_port_taken(error.tail):
        return PortTaken(facts.host_port, error.tail[-3:])
    states = await by_service(facts.container_name, settings)
    job = re.search(r'service "([^"]+)" didn.t complete successfully', said)
    named = re.search(r"dependency failed to start: container (\S+) (is unhealthy|exited|for service)", said)
    for service, state in states.items():
        if (job and job[1] == service) or (named and named[1] == state.name and named[2] != "is unhealthy"):
            return await crashed(service, state, settings)
        if named and named[1] == state.name:
            return await _unhealthy(service, state, settings)
    return explain(Stage.START, error.tail, exit_code=None)


async def _unhealthy(service: str, state: ContainerState, settings: Settings) -> DeploymentFailed:
    lines = await log_lines(state.id, settings, tail=20)
    message = f'Service "{service}" did not become healthy, and others wait for it.'
    hint = "Look at its last lines, and at the command of its `healthcheck:`; give it a longer `start_period`."
    return DeploymentFailed(Code.NOT_ANSWERING, message, hint, lines)


async def _ensure_network(declared: str, facts: Facts, settings: Settings, *, internal: bool) -> None:
    """A further network that the file declares, with an address range of ours."""
    name = network_name(facts.container_name, declared, settings)
    labels = {
        "butler": "1",
        "butler.instance": settings.instance,
        "butler.app": facts.container_name,
        "butler.user": str(facts.user_id),
    }
    pool, refused = IPv4Network(settings.private_subnets, strict=False), set[IPv4Network]()
    for _ in range(12):
        present = await _subnets()
        if name in present:
            return
        subnet = first_free_subnet(pool, _NETWORK_BITS, refused.union(*present.values()))
        if subnet is None:
            break
        try:
            *words, last = network_argv(name, subnet, labels)
            await ask([*words, *(["--internal"] if internal else []), last], waiting_for="a network to be made")
        except CommandFailed as error:
            if not re.search("overlap|conflicts with|already exists", said_by(error).lower()):
                raise
            refused.add(subnet)
        else:
            return
    message = f"No address range is free in {settings.private_subnets} for another network."
    raise DeploymentFailed(Code.ADDRESSES_EXHAUSTED, message, "Remove apps that nobody uses, then deploy again.")


async def _subnets() -> dict[str, set[IPv4Network]]:
    """The address ranges of all networks, by name."""
    ids = (await ask(["docker", "network", "ls", "--quiet"], waiting_for="the networks")).split()
    answer = await ask(["docker", "network", "inspect", *ids], waiting_for="the networks' addresses")
    found: dict[str, set[IPv4Network]] = {}
    for network in json.loads(answer):
        ranges = [entry.get("Subnet", "") for entry in (network.get("IPAM") or {}).get("Config") or []]
        found[network["Name"]] = {IPv4Network(text, strict=False) for text in ranges if "." in text}
    return found


async def _names(argv: Sequence[str], filters: Sequence[str]) -> list[str]:
    words = [word for entry in filters for word in ("--filter", entry)]
    return (await ask([*argv, *words], waiting_for="the objects of an app")).split()


async def _quietly(argv: Sequence[str], *, waiting_for: str) -> None:
    """Remove something that may be in use or gone."""
    try:
        await ask(argv, waiting_for=waiting_for)
    except CommandFailed as error:
        if not re.search("in use|no such", said_by(error).lower()):
            raise
