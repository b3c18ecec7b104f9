from __future__ import annotations

import asyncio
import json
import re
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import docker_run
import settings as settings_module
import shell
from docker_run import EngineFacts, Networks, Reason, RunSpec, Verdict, answers, command, containers, engine, networks
from docker_run.refusals import refusal
from docker_run.state import read_state
from domain import DeployRequest, Event, RunningContainer, Secret
from robust_error_handler import (
    ButlerError,
    Code,
    CommandFailed,
    CommandTimedOut,
    Conflict,
    DeploymentFailed,
    PortTaken,
)
from settings import Settings

NETS = Networks("butler-0badcafe-app-web-1", "butler-0badcafe-u7", "devops-butler-net")
NEW = EngineFacts(cpus=4, several_networks=True)
OLD = EngineFacts(cpus=1, several_networks=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "instance-id").write_text("0badcafe\n")
    return Settings(_env_file=None, data_dir=tmp_path, cpu_limit=1.5, memory_limit="512m", pids_limit=256)


def spec(**changes: Any) -> RunSpec:
    values: dict[str, Any] = {
        "name": "web-1-r3",
        "image_id": "sha256:abc",
        "labels": {"butler": "1", "butler.app": "web-1", "butler.user": "7"},
        "networks": NETS,
        "alias": "web-1",
        "container_port": 3000,
        "host_port": 8081,
        "env": {"PORT": "3000", "KEY": "secret"},
    }
    return RunSpec(**{**values, **changes})


HARDENING = [
    *("--cap-drop", "ALL", "--cap-add", "CHOWN", "--cap-add", "DAC_OVERRIDE", "--cap-add", "FOWNER"),
    *("--cap-add", "SETGID", "--cap-add", "SETUID", "--cap-add", "KILL", "--cap-add", "NET_BIND_SERVICE"),
    *("--security-opt", "no-new-privileges"),
    *("--log-driver", "json-file", "--log-opt", "max-size=10m", "--log-opt", "max-file=3"),
]
LABELS = ["--label", "butler=1", "--label", "butler.app=web-1", "--label", "butler.user=7"]


def test_one_command_starts_a_container_on_all_its_networks(settings: Settings) -> None:
    assert docker_run.run_argv(spec(), settings, NEW) == [
        *("docker", "run", "--detach", "--pull", "never", "--name", "web-1-r3", "--init", "--restart", "no"),
        *("--memory", "512m", "--memory-swap", "512m", "--cpus", "1.5", "--pids-limit", "256"),
        *HARDENING,
        *("--publish", "127.0.0.1:8081:3000"),
        *("--network", "name=butler-0badcafe-app-web-1,alias=web-1"),
        *("--network", "name=butler-0badcafe-u7,alias=web-1", "--network", "name=devops-butler-net"),
        *LABELS,
        *("--env", "PORT", "--env", "KEY", "sha256:abc"),
    ]


def test_an_older_engine_gets_its_networks_one_by_one(settings: Settings) -> None:
    assert docker_run.run_argv(spec(), settings, OLD, env_file=Path("/x/env")) == [
        *("docker", "create", "--pull", "never", "--name", "web-1-r3", "--init", "--restart", "no"),
        *("--memory", "512m", "--memory-swap", "512m", "--cpus", "1", "--pids-limit", "256"),
        *HARDENING,
        *("--publish", "127.0.0.1:8081:3000"),
        *("--network", "butler-0badcafe-app-web-1", "--network-alias", "web-1"),
        *LABELS,
        *("--env", "PORT", "--env", "KEY", "--env-file", "/x/env", "sha256:abc"),
    ]
    assert command.connect_argvs(spec()) == [
        ["docker", "network", "connect", "--alias", "web-1", "butler-0badcafe-u7", "web-1-r3"],
        ["docker", "network", "connect", "devops-butler-net", "web-1-r3"],
    ]


@pytest.mark.parametrize(
    ("address", "host_port", "published"),
    [
        ("127.0.0.1", None, "127.0.0.1::3000"),
        ("0.0.0.0", 80, "0.0.0.0:80:3000"),
        ("::1", 8080, "[::1]:8080:3000"),
    ],
)
def test_what_is_published(settings: Settings, address: str, host_port: int | None, published: str) -> None:
    changed = settings.model_copy(update={"publish_address": address})
    argv = docker_run.run_argv(spec(host_port=host_port), changed, NEW)
    assert argv[argv.index("--publish") + 1] == published


def test_a_worker_publishes_nothing(settings: Settings) -> None:
    assert "--publish" not in docker_run.run_argv(spec(container_port=None), settings, NEW)


def test_a_spec_never_shows_a_value() -> None:
    assert "secret" not in repr(spec())


REQUEST = DeployRequest("https://x.test/r", "web-1", 7, release_number=3, backend_env={"PORT": "5000", "A": "b"})


def test_every_object_is_labelled(settings: Settings) -> None:
    assert docker_run.labels_for(REQUEST, settings) == {
        "butler": "1",
        "butler.instance": "0badcafe",
        "butler.app": "web-1",
        "butler.user": "7",
        "butler.release": "3",
    }


def test_the_users_variables_win_over_the_plans_but_not_over_facts() -> None:
    env = docker_run.app_environment(
        REQUEST, run_env={"HOST": "0.0.0.0", "A": "plan"}, container_port=3000, commit="abc", url="http://x:1"
    )
    assert env == {
        "PORT": "5000",
        "HOST": "0.0.0.0",
        "A": "b",
        "BUTLER_APP": "web-1",
        "BUTLER_COMMIT": "abc",
        "BUTLER_RELEASE": "3",
        "BUTLER_URL": "http://x:1",
    }


def test_what_would_steer_docker_takes_the_way_of_the_file() -> None:
    steering = ["PATH", "HOME", "DOCKER_HOST", "LD_PRELOAD", "http_proxy", "NO_PROXY", "GODEBUG", "XDG_CONFIG_HOME"]
    steering += ["SSL_CERT_FILE", "TMPDIR", "LANG", "LC_ALL", "BUILDKIT_HOST", "OTEL_EXPORTER_OTLP_ENDPOINT"]
    harmless = ["KEY", "GOOGLE_CLIENT_ID", "PATHS", "DATABASE_URL", "SSH_PRIVATE_KEY", "MY_HOME", "NODE_ENV"]
    by_name, in_file = command.split_environment(dict.fromkeys([*steering, *harmless], "x"))
    assert (list(by_name), list(in_file)) == (harmless, steering)


def test_every_variable_of_dockers_own_environment_is_kept_from_it() -> None:
    assert command.split_environment(dict.fromkeys(settings_module._TOOL_VARIABLES, "x"))[0] == {}


def test_the_file_takes_values_as_they_stand() -> None:
    assert command.env_file_text({"HOME": "/a b", "PATH": ' "x"# '}) == 'HOME=/a b\nPATH= "x"# \n'


@pytest.mark.parametrize("value", ["a\nb", "a\r", "x" * 70_000])
def test_what_the_file_cannot_hold_is_an_error_that_names_the_variable(value: str) -> None:
    with pytest.raises(DeploymentFailed) as raised:
        command.env_file_text({"HOME": value})
    assert raised.value.code is Code.INVALID_ENV_FILE
    assert "'HOME'" in raised.value.message


@pytest.mark.parametrize(
    "env", [{"A": "x" * 140_000}, {"A": "\0"}, {"A=B": "x"}, {"": "x"}, {f"A{i}": "x" * 100_000 for i in range(12)}]
)
def test_what_no_program_can_be_given_is_an_error(env: dict[str, str]) -> None:
    with pytest.raises(DeploymentFailed) as raised:
        command.check_environment(env)
    assert raised.value.code is Code.INVALID_ENV_FILE
    assert "x" * 100 not in raised.value.message


def test_the_address_of_an_app_is_written_with_the_public_host(settings: Settings) -> None:
    assert docker_run.app_url(8080, settings) == "http://localhost:8080"
    assert docker_run.app_url(8080, settings.model_copy(update={"public_host": "::1"})) == "http://[::1]:8080"


# Networks


def test_the_shared_network_carries_no_traffic_between_apps() -> None:
    argv = networks.network_argv("devops-butler-net", IPv4Network("10.77.0.0/16"), {"butler": "1"}, isolated=True)
    assert argv == [
        *("docker", "network", "create", "--driver", "bridge", "--subnet", "10.77.0.0/16"),
        *("--opt", "com.docker.network.bridge.enable_icc=false", "--label", "butler=1", "devops-butler-net"),
    ]


def test_private_networks_are_named_by_instance_and_sort_before_the_shared_one(settings: Settings) -> None:
    names = docker_run.networks_of("web-1", 7, settings)
    assert names == NETS
    assert max(names.app, names.user) < names.shared


@pytest.mark.parametrize(
    "wrong",
    [
        {"network_name": "a-net"},
        {"network_name": "MyNet"},
        {"network_name": "butler-"},
        {"network_subnet": "10.77"},
        {"private_subnets": "fd00::/64"},
    ],
)
def test_settings_that_would_mix_up_networks_are_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="must"):
        Settings(_env_file=None, data_dir=tmp_path, **wrong)


POOL = IPv4Network("10.201.0.0/16")


@pytest.mark.parametrize(
    ("bits", "taken", "expected"),
    [
        (27, [], "10.201.0.0/27"),
        (27, ["10.201.0.0/27"], "10.201.0.32/27"),
        (25, ["10.201.0.0/27"], "10.201.0.128/25"),
        (27, ["10.201.0.0/27", "10.201.0.128/25"], "10.201.0.32/27"),
        (27, ["10.0.0.0/9", "192.168.0.0/16"], "10.201.0.0/27"),
        (27, ["10.201.0.0/17"], "10.201.128.0/27"),
        (27, ["10.200.0.0/15"], None),
        (16, [], "10.201.0.0/16"),
        (16, ["10.201.5.0/24"], None),
    ],
)
def test_the_lowest_free_block_is_taken(bits: int, taken: list[str], expected: str | None) -> None:
    found = networks.first_free_subnet(POOL, bits, [IPv4Network(block) for block in taken])
    assert found == (expected and IPv4Network(expected))


@given(st.lists(st.tuples(st.integers(0, 2**12 - 1), st.integers(20, 32)), max_size=40), st.sampled_from([25, 27]))
def test_a_block_that_was_found_overlaps_nothing(blocks: list[tuple[int, int]], bits: int) -> None:
    pool = IPv4Network("10.201.0.0/20")
    base = int(pool.network_address)
    taken = [IPv4Network((base + offset, prefix), strict=False) for offset, prefix in blocks]
    found = networks.first_free_subnet(pool, bits, taken)
    free = [block for block in pool.subnets(new_prefix=bits) if not any(block.overlaps(other) for other in taken)]
    assert found == (free[0] if free else None)


def test_routes_of_the_host_count_as_taken() -> None:
    table = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100C90A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth2\t00004E0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert networks.routes_of_host(table) == [IPv4Network("10.78.0.0/16")]


# Asking Docker

Answer = str | Exception
Fake = Callable[[list[str]], Answer]


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fake], list[list[str]]]:
    """Have a function answer in Docker's place; returns the list of what was asked."""

    def install(fake: Fake) -> list[list[str]]:
        asked: list[list[str]] = []

        async def output(argv: Sequence[str], **_: object) -> str:
            asked.append(list(argv))
            answer = fake(list(argv))
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(shell, "output", output)
        monkeypatch.setattr(engine, "BACK_OFF_SECONDS", (0.0, 0.0))
        monkeypatch.setattr(engine, "_known_facts", [NEW])
        monkeypatch.setattr(networks, "_host_routes", list)
        return asked

    return install


def refused(text: str, code: int = 125) -> CommandFailed:
    return CommandFailed(
        ["docker"], code, [f"docker: Error response from daemon: {text}", "", "Run 'docker run --help'"]
    )


async def test_a_hiccup_is_tried_again(docker: Callable[[Fake], list[list[str]]]) -> None:
    answers_in_turn: list[Answer] = [refused("unexpected EOF"), refused("read: connection reset by peer"), "ok"]
    asked = docker(lambda argv: answers_in_turn.pop(0))
    assert await docker_run.ask(["docker", "ps"], waiting_for="a list") == "ok"
    assert len(asked) == 3


async def test_an_engine_that_stays_down_is_said_in_plain_words(docker: Callable[[Fake], list[list[str]]]) -> None:
    asked = docker(lambda argv: refused("Cannot connect to the Docker daemon at unix:///var/run/docker.sock."))
    with pytest.raises(DeploymentFailed) as raised:
        await docker_run.ask(["docker", "ps"], waiting_for="a list")
    assert raised.value.code is Code.DOCKER_DOWN
    assert len(asked) == 3


@pytest.mark.parametrize(
    "problem",
    [
        refused("permission denied while trying to connect to the Docker daemon socket"),
        CommandTimedOut(["docker"], 60, "a list", []),
    ],
)
async def test_what_trying_again_cannot_help_is_not_tried_again(
    docker: Callable[[Fake], list[list[str]]], problem: Exception
) -> None:
    asked = docker(lambda argv: problem)
    with pytest.raises(DeploymentFailed) as raised:
        await docker_run.ask(["docker", "ps"], waiting_for="a list")
    assert raised.value.code is Code.DOCKER_DOWN
    assert len(asked) == 1


async def test_what_docker_refuses_comes_back_at_once(docker: Callable[[Fake], list[list[str]]]) -> None:
    asked = docker(lambda argv: refused("No such image: x"))
    with pytest.raises(CommandFailed):
        await docker_run.ask(["docker", "run"], waiting_for="a start")
    assert len(asked) == 1


def test_dockers_own_words_are_shown_without_its_preamble() -> None:
    assert engine.said_by(refused("no space left on device")) == "no space left on device"


@pytest.mark.parametrize(
    ("cpus", "version", "expected"),
    [
        ("2\n", "1.45\n", EngineFacts(2, True)),
        ("8", "1.44", EngineFacts(8, True)),
        ("1", "1.43", EngineFacts(1, False)),
        ("", "1.41", EngineFacts(float("inf"), False)),
    ],
)
def test_what_the_engine_can_do(cpus: str, version: str, expected: EngineFacts) -> None:
    assert engine.facts_from(cpus, version) == expected


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Bind for 127.0.0.1:8081 failed: port is already allocated", Code.PORT_TAKEN),
        ("Error starting userland proxy: listen tcp4 127.0.0.1:8081: bind: address already in use", Code.PORT_TAKEN),
        ("No such image: sha256:1111", Code.IMAGE_NOT_FOUND),
        ('OCI runtime create failed: exec: "/nope": stat /nope: no such file or directory', Code.CRASHED_AT_START),
        ("write /x: no space left on device", Code.DISK_FULL),
        ("Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", Code.INTERNAL),
        ("something nobody has seen", Code.INTERNAL),
    ],
)
def test_a_refusal_has_a_category(said: str, code: Code) -> None:
    error = refusal(refused(said), None)
    assert error.code is code
    assert error.hint and error.lines == (said,) or code is not Code.INTERNAL
    if isinstance(error, PortTaken):
        assert error.host_port == 8081


# Starting


def inspected(name: str = "web-1-r3", **changes: Any) -> str:
    entry = {
        "Id": "c" * 64,
        "Name": f"/{name}",
        "Image": "sha256:abc",
        "RestartCount": 0,
        "State": {
            "Status": "running",
            "Running": True,
            "Restarting": False,
            "OOMKilled": False,
            "Pid": 77,
            "ExitCode": 0,
            "StartedAt": "2026-11-24T06:40:17.71835124Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
        },
        "HostConfig": {"PortBindings": {"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}},
        "NetworkSettings": {
            "Ports": {"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32777"}], "9/udp": [], "53/udp": None},
            "Networks": {"a": {"IPAddress": "10.0.0.2"}, "b": {"IPAddress": ""}},
        },
        "Config": {"Labels": {"butler.instance": "0badcafe"}},
    }
    return json.dumps([{**entry, **changes}])


def test_the_state_of_a_container_is_read() -> None:
    state = read_state(json.loads(inspected())[0])
    assert (state.name, state.pid, state.running, state.ports) == ("web-1-r3", 77, True, {3000: 32777})
    assert state.started_at == datetime(2026, 11, 24, 6, 40, 17, 718351, tzinfo=UTC)
    assert state.finished_at is None
    assert state.addresses == {"a": "10.0.0.2"}
    assert state.wanted_ports == {}


async def test_a_port_that_docker_chose_is_read_back(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    docker(lambda argv: "c" * 64 + "\n" if argv[1] == "run" else inspected())
    started = await docker_run.start_container(spec(host_port=None), settings)
    assert (started.host_port, started.url) == (32777, "http://localhost:32777")


async def test_docker_is_asked_again_when_the_port_it_chose_itself_was_taken(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    runs: list[Answer] = [refused("listen tcp4 127.0.0.1:32801: bind: address already in use"), "c" * 64]
    docker(lambda argv: runs.pop(0) if argv[1] == "run" else inspected() if "inspect" in argv else "")
    assert (await docker_run.start_container(spec(host_port=None), settings)).host_port == 32777


async def test_a_fixed_port_costs_one_command(docker: Callable[[Fake], list[list[str]]], settings: Settings) -> None:
    asked = docker(lambda argv: "c" * 64 + "\n")
    started = await docker_run.start_container(spec(), settings)
    assert started == RunningContainer("c" * 64, "web-1-r3", "sha256:abc", 3000, 8081, "http://localhost:8081")
    assert len(asked) == 1


async def test_a_taken_port_leaves_nothing_behind(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    def fake(argv: list[str]) -> Answer:
        if argv[1] == "run":
            return refused("Bind for 127.0.0.1:8081 failed: port is already allocated")
        return inspected(State={"Status": "created", "Running": False, "ExitCode": 0}) if "inspect" in argv else ""

    asked = docker(fake)
    with pytest.raises(PortTaken) as raised:
        await docker_run.start_container(spec(), settings)
    assert raised.value.host_port == 8081
    assert asked[-1] == ["docker", "rm", "--force", "--volumes", "c" * 64]


async def test_an_earlier_container_of_ours_is_replaced(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    runs: list[Answer] = [refused('Conflict. The container name "/x" is already in use by container "c"'), "d" * 64]
    asked = docker(lambda argv: runs.pop(0) if argv[1] == "run" else inspected() if "inspect" in argv else "")
    assert (await docker_run.start_container(spec(), settings)).id == "d" * 64
    assert ["docker", "rm", "--force", "--volumes", "c" * 64] in asked


FOREIGN = inspected(Config={"Labels": {"butler.instance": "another"}})


async def test_a_container_of_somebody_else_is_never_touched(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    def fake(argv: list[str]) -> Answer:
        taken = refused('Conflict. The container name "/x" is already in use by container "c"')
        return taken if argv[1] == "run" else FOREIGN

    asked = docker(fake)
    with pytest.raises(Conflict):
        await docker_run.start_container(spec(), settings)
    assert await docker_run.stop_and_remove("x", settings) is False
    assert await docker_run.inspect("x", settings) is None
    for act in (docker_run.stop, docker_run.start_again, docker_run.restart, docker_run.keep_running):
        with pytest.raises(ButlerError):
            await act("x", settings)
    assert not any(argv[1] in ("rm", "stop", "start", "restart", "update", "rename") for argv in asked)


async def test_a_missing_network_is_made_again(
    docker: Callable[[Fake], list[list[str]]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, int]] = []

    async def ensure(app: str, user: int, _: Settings) -> Networks:
        made.append((app, user))
        return NETS

    monkeypatch.setattr(containers, "ensure_networks", ensure)
    runs: list[Answer] = [refused("network butler-0badcafe-u7 not found"), "d" * 64]
    docker(lambda argv: runs.pop(0) if argv[1] == "run" else inspected() if "inspect" in argv else "")
    await docker_run.start_container(spec(), settings)
    assert made == [("web-1", 7)]


async def test_the_file_of_variables_is_private_and_goes(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    seen: list[tuple[int, str]] = []

    def fake(argv: list[str]) -> Answer:
        path = Path(argv[argv.index("--env-file") + 1])
        seen.append((stat.S_IMODE(path.stat().st_mode), path.read_text()))
        return refused("something nobody has seen")

    docker(lambda argv: fake(argv) if argv[1] == "run" else refused("No such container: x"))
    with pytest.raises(DeploymentFailed):
        await docker_run.start_container(spec(env={"HOME": "/srv", "A": "b"}), settings)
    assert seen == [(0o600, "HOME=/srv\n")]
    assert list(settings.work_dir.iterdir()) == []


async def test_a_stopped_container_stays_down_and_keeps_its_state(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    asked = docker(lambda argv: inspected() if "inspect" in argv else "")
    await docker_run.stop("web-1-r3", settings)
    assert [argv for argv in asked if "inspect" not in argv] == [
        ["docker", "update", "--restart", "no", "c" * 64],
        ["docker", "stop", "-t", "10", "c" * 64],
    ]


# Whether it answers

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[int]:
    open_tasks: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_tasks.add(writer)
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def says(text: bytes, *, heard: list[bytes] | None = None) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(request)
        writer.write(text)
        await writer.drain()

    return handler


async def closes_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return


async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.test ESMTP\r\n")
    await writer.drain()


async def stays_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hates_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


@pytest.mark.parametrize(
    ("handler", "expects_http", "expected"),
    [
        (says(b"HTTP/1.1 200 OK\r\n\r\n"), True, (Reason.HTTP, 200)),
        (says(b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"), True, (Reason.HTTP, 302)),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), True, (Reason.HTTP, 400)),
        (says(b"HTTP/1.1 503 Unavailable\r\n\r\n"), True, (Reason.SERVER_ERROR, 503)),
        (says(b"-ERR unknown command\r\n"), True, (Reason.TCP, None)),
        (says(b"\x00" * 5000), True, (Reason.TCP, None)),
        (closes_at_once, True, (Reason.CLOSED, None)),
        (closes_at_once, False, (Reason.CLOSED, None)),
        (stays_silent, True, (Reason.SILENT, None)),
        (stays_silent, False, (Reason.TCP, None)),
        (greets, False, (Reason.TCP, None)),
    ],
)
async def test_what_a_port_answers(handler: Handler, expects_http: bool, expected: tuple[Reason, int | None]) -> None:
    async with served(handler) as port:
        assert await docker_run.probe("127.0.0.1", port, timeout_seconds=0.3, expects_http=expects_http) == expected


async def test_the_host_asked_for_is_localhost() -> None:
    heard: list[bytes] = []
    async with served(says(b"HTTP/1.1 200 OK\r\n\r\n", heard=heard)) as port:
        await docker_run.probe("127.0.0.1", port, timeout_seconds=1)
    assert re.search(rb"^GET / HTTP/1\.1\r\nHost: localhost\r\n", heard[0])


async def test_a_port_where_nothing_listens_refuses(unused_port: int) -> None:
    assert await docker_run.probe("127.0.0.1", unused_port, timeout_seconds=1) == (Reason.REFUSED, None)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


def container(port: int | None) -> RunningContainer:
    return RunningContainer("c" * 64, "web-1", "sha256:abc", 3000, port, None)


def running(**state: Any) -> str:
    entry = json.loads(inspected())[0]
    return inspected(State={**entry["State"], **state})


async def test_waiting_ends_with_the_first_answer(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    asked = docker(lambda argv: inspected())
    async with served(says(b"HTTP/1.1 404 Not Found\r\n\r\n")) as port:
        verdict = await docker_run.wait_until_answers(container(port), settings)
    assert (verdict.answered, verdict.status_code, verdict.reason) == (True, 404, Reason.HTTP)
    assert verdict.seconds < 0.2
    assert asked == []


async def test_a_server_error_is_asked_again_until_it_is_over(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    docker(lambda argv: inspected())
    in_turn = [b"HTTP/1.1 503 X\r\n\r\n"] * 3 + [b"HTTP/1.1 200 OK\r\n\r\n"]

    async def warming_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(in_turn.pop(0))(reader, writer)

    async with served(warming_up) as port:
        verdict = await docker_run.wait_until_answers(container(port), settings, timeout_seconds=5)
    assert (verdict.answered, verdict.status_code) == (True, 200)


async def test_a_server_error_at_the_deadline_is_no_answer(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    docker(lambda argv: inspected())
    async with served(says(b"HTTP/1.1 500 X\r\n\r\n")) as port:
        verdict = await docker_run.wait_until_answers(container(port), settings, timeout_seconds=0.4)
    assert (verdict.answered, verdict.status_code, verdict.reason) == (False, 500, Reason.SERVER_ERROR)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (running(Running=False, Status="exited", ExitCode=3), Reason.EXITED),
        (running(Restarting=True, Status="restarting"), Reason.EXITED),
        (inspected(RestartCount=1), Reason.RESTARTED),
        (refused("No such container: x"), Reason.GONE),
    ],
)
async def test_waiting_ends_early_when_the_container_does(
    docker: Callable[[Fake], list[list[str]]], settings: Settings, unused_port: int, answer: Answer, reason: Reason
) -> None:
    docker(lambda argv: answer)
    verdict = await docker_run.wait_until_answers(container(unused_port), settings, timeout_seconds=30)
    assert (verdict.answered, verdict.reason) == (False, reason)
    assert verdict.seconds < 2


async def test_a_service_that_closes_only_http_is_a_tcp_service(
    docker: Callable[[Fake], list[list[str]]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(lambda argv: inspected())
    monkeypatch.setattr(answers, "_HTTP_FIRST_SECONDS", 0.1)
    monkeypatch.setattr(answers, "_SILENCE_SECONDS", 0.2)
    async with served(hates_http) as port:
        verdict = await docker_run.wait_until_answers(container(port), settings, timeout_seconds=5)
    assert (verdict.answered, verdict.status_code, verdict.reason) == (True, None, Reason.TCP)


async def test_a_proxy_without_a_server_behind_it_is_no_answer(
    docker: Callable[[Fake], list[list[str]]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(lambda argv: inspected())
    monkeypatch.setattr(answers, "_HTTP_FIRST_SECONDS", 0.1)
    async with served(closes_at_once) as port:
        verdict = await docker_run.wait_until_answers(container(port), settings, timeout_seconds=0.6)
    assert (verdict.answered, verdict.reason) == (False, Reason.CLOSED)


async def test_settling_waits_for_what_is_missing_and_then_sets_the_restart_policy(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    asked = docker(lambda argv: running(StartedAt=now))
    quick = settings.model_copy(update={"settle_seconds": 0.2})
    verdict = await docker_run.settle(container(1), quick)
    assert (verdict.answered, verdict.reason) == (True, Reason.STAYED_UP)
    assert asked[-1] == ["docker", "update", "--restart", "always", "c" * 64]


async def test_an_engine_whose_clock_is_ahead_holds_nothing_up(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    docker(lambda argv: running(StartedAt="2199-01-01T00:00:00.1Z"))
    quick = settings.model_copy(update={"settle_seconds": 0.2})
    assert (await docker_run.settle(container(1), quick)).answered


async def test_an_app_that_has_been_up_long_enough_settles_at_once(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    docker(lambda argv: inspected())
    assert (await docker_run.settle(container(1), settings)).seconds < 0.5


@pytest.mark.parametrize("state", [{"Running": False, "Status": "exited", "ExitCode": 1}])
async def test_a_crash_while_settling_is_a_crash(
    docker: Callable[[Fake], list[list[str]]], settings: Settings, state: Mapping[str, Any]
) -> None:
    asked = docker(lambda argv: running(**state))
    verdict = await docker_run.settle(container(1), settings)
    assert (verdict.answered, verdict.reason) == (False, Reason.EXITED)
    assert not any("update" in argv for argv in asked)


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict(False, 500, 60, Reason.SERVER_ERROR), Code.NOT_ANSWERING),
        (Verdict(False, None, 60, Reason.CLOSED), Code.NOT_ANSWERING),
        (Verdict(False, None, 60, Reason.GONE), Code.CRASHED_AT_START),
        (Verdict(False, None, 1, Reason.EXITED, read_state(json.loads(inspected())[0])), Code.CRASHED_AT_START),
    ],
)
async def test_a_verdict_becomes_an_error_with_a_category(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, code: Code
) -> None:
    async def lines(*_: object, **__: object) -> list[str]:
        return ["starting", "boom"]

    monkeypatch.setattr(answers, "log_lines", lines)
    error = await docker_run.failure(verdict, container(8080), settings)
    assert error.code is code
    assert error.hint
    assert "500" in error.message or verdict.reason is not Reason.SERVER_ERROR


def test_the_probe_goes_to_where_this_machine_reaches_it() -> None:
    assert [docker_run.probe_address(each) for each in ("0.0.0.0", "::", "127.0.0.1", "10.1.2.3")] == [
        *("127.0.0.1", "::1", "127.0.0.1", "10.1.2.3")
    ]


# Making networks


async def test_networks_that_are_there_cost_one_question(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    asked = docker(lambda argv: f"{NETS.app}\t\n{NETS.user}\t\n{NETS.shared}\tbutler=1\n")
    assert await docker_run.ensure_networks("web-1", 7, settings) == NETS
    assert len(asked) == 1


async def test_a_taken_shared_range_is_replaced_and_said(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    def fake(argv: list[str]) -> Answer:
        if argv[2] == "inspect":
            return '[{"Subnet":"10.77.0.0/17"}]\nnull\n[{"Subnet":"fd00::/64"}]\n'
        return f"{NETS.app}\t\n{NETS.user}\t\n" if argv[-1] == "{{.Name}}\t{{.Labels}}" else "a b c"

    told: list[Event] = []
    asked = docker(fake)
    await docker_run.ensure_networks("web-1", 7, settings, told.append)
    assert asked[-1][asked[-1].index("--subnet") + 1] != "10.77.0.0/16"
    assert "10.77.0.0/16 is in use" in told[0].text


async def test_a_range_that_was_taken_in_the_meantime_is_left_for_the_next(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    creations: list[Answer] = [refused("Pool overlaps with other one on this address space"), "id"]

    def fake(argv: list[str]) -> Answer:
        if argv[2] == "create":
            return creations.pop(0)
        if argv[2] == "inspect":
            return "[]"
        return f"{NETS.user}\t\n{NETS.shared}\tbutler=1\n" if "{{.Name}}\t{{.Labels}}" in argv else "a"

    asked = docker(fake)
    await docker_run.ensure_networks("web-1", 7, settings)
    subnets = [argv[argv.index("--subnet") + 1] for argv in asked if argv[2] == "create"]
    assert subnets == ["10.201.0.0/27", "10.201.0.32/27"]
    assert not creations


async def test_a_full_pool_is_an_error_that_names_the_setting(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    def fake(argv: list[str]) -> Answer:
        if argv[2] == "inspect":
            return '[{"Subnet":"10.201.0.0/16"}]'
        return f"{NETS.shared}\tbutler=1\n" if "{{.Name}}\t{{.Labels}}" in argv else "a"

    docker(fake)
    with pytest.raises(DeploymentFailed) as raised:
        await docker_run.ensure_networks("web-1", 7, settings)
    assert raised.value.code is Code.ADDRESSES_EXHAUSTED
    assert "BUTLER_PRIVATE_SUBNETS" in raised.value.hint


async def test_an_open_network_of_that_name_is_warned_about(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    told: list[Event] = []
    docker(lambda argv: "\n" if argv[2] == "inspect" else f"{NETS.app}\t\n{NETS.user}\t\n{NETS.shared}\t\n")
    await docker_run.ensure_networks("web-1", 7, settings, told.append)
    assert "does not keep users apart" in told[0].text


async def test_a_network_that_somebody_uses_stays(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    asked = docker(lambda argv: "c1\n")
    assert await docker_run.remove_unused_network("devops-butler-net") is False
    assert len(asked) == 1


async def test_absent_networks_are_removed_without_complaint(
    docker: Callable[[Fake], list[list[str]]], settings: Settings
) -> None:
    docker(lambda argv: "" if argv[1] == "ps" else refused("network x not found"))
    await docker_run.remove_networks("web-1", 7, settings)


def test_a_secret_value_is_still_a_value() -> None:
    by_name, _ = command.split_environment({"KEY": Secret("x")})
    assert by_name == {"KEY": "x"}
