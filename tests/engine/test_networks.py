"""Networks on a real engine: a user's apps find each other, other users' do not, and two Butlers share an engine."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

import docker_run
from domain import EventKind
from robust_error_handler import Code, DeploymentFailed
from tests.engine.tiny_app import TinyButler, docker, inspected, said_inside, tiny_image

pytestmark = pytest.mark.engine

NETWORK = f"butler-test-net-{time.time_ns():x}"
ALICE, BOB = 1, 2


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with tiny_image(tmp_path_factory.mktemp("tiny")) as made:
        yield made
    docker("network", "rm", NETWORK, check=False)


@pytest.fixture
def tiny(tmp_path: Path, image: str) -> Iterator[TinyButler]:
    butler = TinyButler(tmp_path / "data", image, NETWORK)
    yield butler
    butler.sweep()


def fetched(container: str, host: str, port: int = 3000) -> str:
    # Not wget: Debian's static one crashes in an image without the libraries that look up names.
    said = said_inside(container, "sh", "-c", f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {host} {port}")
    return said.splitlines()[-1] if said else ""


async def test_another_users_app_cannot_be_reached_by_name_or_address(tiny: TinyButler) -> None:
    alice, bob = await tiny.serving(user=ALICE), await tiny.serving(user=BOB)
    state = await docker_run.inspect(bob.id, tiny.settings)
    assert state is not None and len(state.addresses) == 3
    assert fetched(alice.id, "localhost") == alice.name
    for host in (bob.name, bob.id[:12], *state.addresses.values()):
        assert bob.name not in fetched(alice.id, host), host
    gateways = [end["Gateway"] for end in inspected(alice.id)["NetworkSettings"]["Networks"].values()]
    for gateway in gateways:
        assert bob.name not in fetched(alice.id, gateway, bob.host_port or 0)


async def test_a_users_apps_reach_each_other_by_name(tiny: TinyButler) -> None:
    one, two = await tiny.serving(user=ALICE), await tiny.serving(user=ALICE)
    for _ in range(10):
        assert fetched(one.id, two.name) == two.name
        assert fetched(two.id, one.name) == one.name


async def test_a_release_under_another_name_answers_to_the_apps_name(tiny: TinyButler) -> None:
    app = tiny.app_name()
    neighbour = await tiny.serving(user=ALICE)
    await tiny.serving(user=ALICE, app=app, name=f"{app}-r7")
    assert fetched(neighbour.id, app) == app


async def test_a_service_name_means_ones_own_service_every_time(tiny: TinyButler) -> None:
    pairs = []
    for user in (ALICE, BOB):
        app, database = await tiny.serving(user=user), await tiny.serving(user=user)
        own = docker_run.networks_of(app.name, user, tiny.settings).app
        docker("network", "connect", "--alias", "db", own, database.id)
        pairs.append((app, database))
    for _ in range(10):
        for app, database in pairs:
            assert fetched(app.id, "db") == database.name


async def test_nobody_has_another_name_on_the_shared_network(tiny: TinyButler) -> None:
    container = await tiny.serving()
    ends = inspected(container.id)["NetworkSettings"]["Networks"]
    assert not ends[NETWORK]["Aliases"]
    assert container.id[:12] in ends[NETWORK]["DNSNames"] and len(ends[NETWORK]["DNSNames"]) == 2


async def test_all_deployments_join_the_shared_network_which_carries_no_traffic(tiny: TinyButler) -> None:
    container = await tiny.serving()
    shared = inspected(NETWORK)
    assert container.id in shared["Containers"]
    assert shared["Options"]["com.docker.network.bridge.enable_icc"] == "false"
    assert shared["Labels"] == {"butler": "1"}


async def test_every_private_network_has_its_own_small_range_and_labels(tiny: TinyButler) -> None:
    app = tiny.app_name()
    nets = await docker_run.ensure_networks(app, ALICE, tiny.settings)
    own, users = inspected(nets.app), inspected(nets.user)
    ranges = [IPv4Network(net["IPAM"]["Config"][0]["Subnet"]) for net in (own, users)]
    assert [block.prefixlen for block in ranges] == [27, 25]
    assert not ranges[0].overlaps(ranges[1])
    assert all(block.subnet_of(IPv4Network(tiny.settings.private_subnets)) for block in ranges)
    instance = tiny.settings.instance
    assert users["Labels"] == {"butler": "1", "butler.instance": instance, "butler.user": "1"}
    assert own["Labels"] == {**users["Labels"], "butler.app": app}


async def test_many_apps_at_once_get_ranges_of_their_own(tiny: TinyButler) -> None:
    apps = [tiny.app_name() for _ in range(6)]
    nets = await asyncio.gather(*(docker_run.ensure_networks(app, ALICE, tiny.settings) for app in apps))
    ranges = [IPv4Network(inspected(net.app)["IPAM"]["Config"][0]["Subnet"]) for net in nets]
    assert not any(one.overlaps(two) for one, two in itertools.combinations(ranges, 2))
    await asyncio.gather(*(docker_run.remove_networks(app, ALICE, tiny.settings) for app in apps))
    assert tiny.left() == ""


async def test_a_users_network_stays_while_an_app_of_theirs_is_left_even_stopped(tiny: TinyButler) -> None:
    one, two = await tiny.serving(user=ALICE), await tiny.serving(user=ALICE)
    await docker_run.stop(two.name, tiny.settings)
    await docker_run.remove_app(one.name, ALICE, tiny.settings)
    nets = docker_run.networks_of(two.name, ALICE, tiny.settings)
    assert nets.user in docker("network", "ls", "--format", "{{.Name}}").split()
    await docker_run.start_again(two.name, tiny.settings)
    await docker_run.remove_app(two.name, ALICE, tiny.settings)
    assert tiny.left() == ""


async def test_an_apps_network_goes_even_when_a_stranger_joined_it(tiny: TinyButler, image: str) -> None:
    app = await tiny.serving()
    own = docker_run.networks_of(app.name, ALICE, tiny.settings).app
    stranger = docker("run", "-d", "--network", own, "-e", "START=sleep 60", image)
    try:
        await docker_run.remove_app(app.name, ALICE, tiny.settings)
        assert tiny.left() == ""
    finally:
        docker("rm", "-f", stranger)


async def test_two_butlers_share_the_shared_network_and_nothing_else(
    tiny: TinyButler, tmp_path: Path, image: str
) -> None:
    other = TinyButler(tmp_path / "other", image, NETWORK)
    try:
        mine, theirs = await tiny.serving(), await other.serving()
        assert bool(set(inspected(NETWORK)["Containers"]) >= {mine.id, theirs.id})
        assert theirs.name not in fetched(mine.id, theirs.name)
        await docker_run.remove_app(mine.name, ALICE, tiny.settings)
        assert await docker_run.remove_unused_network(NETWORK) is False
        assert tiny.left() == ""
        assert (await docker_run.wait_until_answers(theirs, other.settings, timeout_seconds=5)).answered
    finally:
        other.sweep()


async def test_a_shared_range_that_is_taken_is_replaced_and_said(tmp_path: Path, image: str) -> None:
    name = f"{NETWORK}-moved"
    first = TinyButler(tmp_path / "first", image, name)
    await docker_run.ensure_networks("one", ALICE, first.settings)
    taken = inspected(name)["IPAM"]["Config"][0]["Subnet"]
    second = TinyButler(tmp_path / "second", image, f"{name}-again", network_subnet=taken)
    try:
        container = await second.serving()
        assert inspected(f"{name}-again")["IPAM"]["Config"][0]["Subnet"] != taken
        assert container.id in inspected(f"{name}-again")["Containers"]
        notes = [event.text for event in second.events if event.kind is EventKind.NOTE]
        assert notes and taken in notes[0]
    finally:
        first.sweep()
        second.sweep()
        docker("network", "rm", name, f"{name}-again", check=False)


async def test_a_network_of_that_name_which_does_not_separate_is_warned_about(tmp_path: Path, image: str) -> None:
    name = f"{NETWORK}-open"
    docker("network", "create", "--subnet", "10.76.213.0/24", name)
    butler = TinyButler(tmp_path / "data", image, name)
    try:
        await butler.serving()
        assert [event.kind for event in butler.events] == [EventKind.WARNING]
    finally:
        butler.sweep()
        docker("network", "rm", name, check=False)


async def test_a_pool_that_is_used_up_is_said(tmp_path: Path, image: str) -> None:
    butler = TinyButler(tmp_path / "data", image, NETWORK, private_subnets="10.202.213.0/27")
    try:
        with pytest.raises(DeploymentFailed) as raised:
            await docker_run.ensure_networks("one", ALICE, butler.settings)
        assert raised.value.code is Code.ADDRESSES_EXHAUSTED
    finally:
        butler.sweep()
