"""The networks that keep users apart: one shared by all without traffic on it, one for each app, one for each user."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from domain import Event, EventKind, Stage
from robust_error_handler import Code, CommandFailed, DeploymentFailed
from settings import Settings

from .engine import ask, said_by

ICC_OPTION = "com.docker.network.bridge.enable_icc"
APP_PREFIX_BITS = 27
USER_PREFIX_BITS = 25
_SHARED_FALLBACKS = ("10.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
_ATTEMPTS = 12

Tell = Callable[[Event], None]


@dataclass(frozen=True)
class Networks:
    """The three networks of an app: its own, its user's, and the one that all apps share."""

    app: str
    user: str
    shared: str


def networks_of(container_name: str, user_id: int, settings: Settings) -> Networks:
    """What the networks of an app are called. Private names sort before the shared one, so DNS asks them first."""
    prefix = f"butler-{settings.instance}"
    return Networks(f"{prefix}-app-{container_name}", f"{prefix}-u{user_id}", settings.network_name)


async def ensure_networks(container_name: str, user_id: int, settings: Settings, emit: Tell | None = None) -> Networks:
    """Make the networks of an app where they are missing; what is there already stays as it is."""
    wanted = networks_of(container_name, user_id, settings)
    present = await _present()
    if wanted.shared not in present:
        await _create_shared(settings, emit)
    elif "butler=1" not in present[wanted.shared] and emit is not None:
        await _warn_if_open(wanted.shared, emit)
    owner = {"butler": "1", "butler.instance": settings.instance, "butler.user": str(user_id)}
    if wanted.app not in present:
        labels = {**owner, "butler.app": container_name}
        await _create_private(wanted.app, APP_PREFIX_BITS, labels, settings)
    if wanted.user not in present:
        await _create_private(wanted.user, USER_PREFIX_BITS, owner, settings)
    return wanted


async def remove_networks(container_name: str, user_id: int, settings: Settings) -> None:
    """Remove an app's own network, and its user's when nothing is left on it; absent ones are fine."""
    names = networks_of(container_name, user_id, settings)
    await remove_network(names.app, evict=True)
    await remove_unused_network(names.user)


async def remove_unused_network(name: str) -> bool:
    """Remove a network unless a container, running or not, still belongs to it; True when it is gone."""
    members = ["docker", "ps", "--all", "--quiet", "--filter", f"network={name}"]
    if (await ask(members, waiting_for="the members of a network")).strip():
        return False
    return await remove_network(name)


async def remove_network(name: str, *, evict: bool = False) -> bool:
    """Remove a network; `evict` disconnects strangers first. False when somebody is still on it."""
    try:
        await ask(["docker", "network", "rm", name], waiting_for="a network to go")
    except CommandFailed as error:
        said = said_by(error).lower()
        if "not found" in said or "no such network" in said:
            return True
        if "active endpoints" not in said:
            raise
        return evict and await _evict_all(name) and await remove_network(name)
    return True


def network_argv(name: str, subnet: IPv4Network, labels: Mapping[str, str], *, isolated: bool = False) -> list[str]:
    """The command that creates a bridge network; `isolated` ones carry no traffic between their containers."""
    options = ["--opt", f"{ICC_OPTION}=false"] if isolated else []
    marks = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    return ["docker", "network", "create", "--driver", "bridge", "--subnet", str(subnet), *options, *marks, name]


def first_free_subnet(pool: IPv4Network, prefix_bits: int, taken: Collection[IPv4Network]) -> IPv4Network | None:
    """The lowest block of that size in the pool that overlaps nothing taken, or None when the pool is full."""
    size = 1 << (32 - max(prefix_bits, pool.prefixlen))
    start = int(pool.network_address)
    last = int(pool.broadcast_address)
    for block in sorted(taken, key=lambda network: (int(network.network_address), int(network.broadcast_address))):
        if int(block.network_address) >= start + size:
            break
        if int(block.broadcast_address) >= start:
            start = -(-(int(block.broadcast_address) + 1) // size) * size
    return IPv4Network((start, max(prefix_bits, pool.prefixlen))) if start + size - 1 <= last else None


def routes_of_host(table: str) -> list[IPv4Network]:
    """The ranges that the host already routes elsewhere, from the text of `/proc/net/route`."""
    found = []
    for row in table.splitlines()[1:]:
        fields = row.split()
        if len(fields) < 8 or fields[1] == "00000000":
            continue
        address, mask = (int.from_bytes(bytes.fromhex(fields[i]), "little") for i in (1, 7))
        found.append(IPv4Network((address & mask, mask.bit_count())))
    return found


async def _present() -> dict[str, str]:
    listing = await ask(["docker", "network", "ls", "--format", "{{.Name}}\t{{.Labels}}"], waiting_for="the networks")
    return {name: labels for name, _, labels in (line.partition("\t") for line in listing.splitlines())}


async def _create_shared(settings: Settings, emit: Tell | None) -> None:
    wanted = IPv4Network(settings.network_subnet, strict=False)
    refused: set[IPv4Network] = set()
    for _ in range(_ATTEMPTS):
        taken = refused | await _taken()
        subnet = wanted if not any(wanted.overlaps(block) for block in taken) else _another(wanted, taken)
        if await _create(settings.network_name, subnet, {"butler": "1"}, isolated=True):
            if subnet != wanted and emit is not None:
                text = f"{wanted} is in use on this machine; the network {settings.network_name} got {subnet} instead."
                emit(Event(EventKind.NOTE, Stage.START, text))
            return
        refused.add(subnet)
    raise _exhausted(settings.network_subnet, "BUTLER_NETWORK_SUBNET")


def _another(wanted: IPv4Network, taken: Collection[IPv4Network]) -> IPv4Network:
    for pool in _SHARED_FALLBACKS:
        found = first_free_subnet(IPv4Network(pool), wanted.prefixlen, taken)
        if found is not None:
            return found
    raise _exhausted(str(wanted), "BUTLER_NETWORK_SUBNET")


async def _create_private(name: str, prefix_bits: int, labels: Mapping[str, str], settings: Settings) -> None:
    pool = IPv4Network(settings.private_subnets, strict=False)
    refused: set[IPv4Network] = set()
    for _ in range(_ATTEMPTS):
        subnet = first_free_subnet(pool, prefix_bits, refused | await _taken())
        if subnet is None:
            break
        if await _create(name, subnet, labels):
            return
        refused.add(subnet)
    raise _exhausted(settings.private_subnets, "BUTLER_PRIVATE_SUBNETS")


async def _create(name: str, subnet: IPv4Network, labels: Mapping[str, str], *, isolated: bool = False) -> bool:
    """True when the network is there afterwards; False when the range was taken in the meantime."""
    try:
        await ask(network_argv(name, subnet, labels, isolated=isolated), waiting_for="a network to be made")
    except CommandFailed as error:
        said = said_by(error).lower()
        if "already exists" in said:
            return True
        if "overlap" in said or "conflicts with" in said:
            return False
        raise
    return True


async def _taken() -> set[IPv4Network]:
    """Ranges in use: by Docker's networks, and by the routes of this host."""
    for _ in range(_ATTEMPTS):
        names = (await ask(["docker", "network", "ls", "--quiet", "--no-trunc"], waiting_for="the networks")).split()
        argv = ["docker", "network", "inspect", "--format", "{{json .IPAM.Config}}", *names]
        try:
            configs = await ask(argv, waiting_for="the networks' addresses")
        except CommandFailed:
            continue  # one of them went between the two questions
        return {*_subnets(configs), *_host_routes()}
    raise DeploymentFailed(Code.DOCKER_DOWN, "Docker's list of networks keeps changing.", "Deploy again in a moment.")


def _subnets(configs: str) -> Iterator[IPv4Network]:
    for line in configs.splitlines():
        for entry in json.loads(line) or ():
            if "." in entry.get("Subnet", ""):
                yield IPv4Network(entry["Subnet"], strict=False)


def _host_routes() -> list[IPv4Network]:
    try:
        return routes_of_host(Path("/proc/net/route").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return []  # not Linux; Docker itself refuses what overlaps


async def _evict_all(network: str) -> bool:
    argv = ["docker", "network", "inspect", "--format", "{{range $id, $_ := .Containers}}{{$id}} {{end}}", network]
    for member in (await ask(argv, waiting_for="the members of a network")).split():
        try:
            await ask(["docker", "network", "disconnect", "--force", network, member], waiting_for="a member to leave")
        except CommandFailed:
            continue  # it left by itself
    return True


async def _warn_if_open(name: str, emit: Tell) -> None:
    argv = ["docker", "network", "inspect", "--format", f'{{{{index .Options "{ICC_OPTION}"}}}}', name]
    if (await ask(argv, waiting_for="the shared network")).strip() != "false":
        text = (
            f"The network {name} was not made by a Butler and lets containers talk to each other, so it does not keep "
            "users apart. Remove it while no app runs and deploy again, or set BUTLER_NETWORK_NAME to another name."
        )
        emit(Event(EventKind.WARNING, Stage.START, text))


def _exhausted(pool: str, setting: str) -> DeploymentFailed:
    return DeploymentFailed(
        Code.ADDRESSES_EXHAUSTED,
        f"No address range is free in {pool} for another network.",
        f"Remove apps or networks that nobody uses (`docker network ls`), or set {setting} to a larger free range.",
    )
