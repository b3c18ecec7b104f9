from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import port_discovery
from port_discovery import (
    Candidate,
    Listener,
    Sockets,
    candidate_ports,
    choose_port,
    free_host_port,
    is_free,
    ports_in_log,
    read_listeners,
)
from robust_error_handler import Code, DeploymentFailed

ANNOUNCEMENTS = [
    ("Example app listening on port 3000", 3000),
    ("App listening on port 3000!", 3000),
    ("Example app listening at http://localhost:3000", 3000),
    ("Server is running on port: 5000", 5000),
    ("Listening on 3000", 3000),
    ("listening on *:3000", 3000),
    ("Server started on PORT 4000", 4000),
    ("🚀 Server ready at: http://localhost:4000/graphql", 4000),
    ("INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)", 8000),
    ("[2026-11-24 06:40:10 +0000] [7] [INFO] Listening at: http://0.0.0.0:8000 (7)", 8000),
    (" * Running on http://127.0.0.1:5000", 5000),
    ("Starting development server at http://0.0.0.0:8000/", 8000),
    ("  \x1b[32m➜\x1b[39m  \x1b[1mLocal\x1b[22m:   \x1b[36mhttp://localhost:\x1b[1m5173\x1b[22m/\x1b[39m", 5173),
    ("  ➜  Network: http://172.18.0.2:4173/", 4173),
    ("- Local:        http://localhost:3000", 3000),
    ("ready - started server on 0.0.0.0:3000, url: http://localhost:3000", 3000),
    ("ready started server on [::]:3000, url: http://localhost:3000", 3000),
    ("Tomcat started on port(s): 8080 (http) with context path ''", 8080),
    ("Tomcat started on port 8080 (http) with context path '/'", 8080),
    ("* Listening on http://0.0.0.0:3000", 3000),
    ("* Listening on tcp://0.0.0.0:9292", 9292),
    ("[GIN-debug] Listening and serving HTTP on :8080", 8080),
    ("2026/11/24 06:40:10 server listening on :8081", 8081),
    ("PHP 8.2.7 Development Server (http://0.0.0.0:8000) started", 8000),
    ("Rocket has launched from http://0.0.0.0:8000", 8000),
    ("06:40:10.123 [info] Running HelloWeb.Endpoint with Bandit 1.5.7 at 0.0.0.0:4000 (http)", 4000),
    ("06:40:10.123 [info] Running HelloWeb.Endpoint with cowboy 2.9.0 at :::4000 (http)", 4000),
    ("      Now listening on: http://[::]:8080", 8080),
    ("Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...", 8000),
    ("Serving HTTP on :: port 9000 (http://[::]:9000/) ...", 9000),
    ("  URL: http://0.0.0.0:8501", 8501),
    ("Deno: Listening on http://0.0.0.0:8000/ (http://localhost:8000/)", 8000),
    ('{"level":30,"time":1732430410123,"pid":7,"port":3000,"msg":"Server listening at http://0.0.0.0:3000"}', 3000),
    ('{"level":"info","port":7000,"msg":"up"}', 7000),
    ("port: 5000", 5000),
    ("PORT=3000", 3000),
    ("Nest application is running on: http://[::1]:3001", 3001),
    ("Puma starting... Listening on http://0.0.0.0:80", 80),
    ("server up on http://a1b2c3d4e5f6:8080", 8080),
]
SILENT = [
    "2026-11-24 06:40:10 ready",
    '172.17.0.1 - - [24/Nov/2026:06:40:10 +0000] "GET / HTTP/1.1" 200 5000',
    "Server started at 12:30:45",
    "Started at 2026-11-24",
    "Server started on 24 Nov 2026",
    "Listening since 12:30",
    "Node v20.11.1, npm 10.2.4, next 14.2.3",
    "Connected to postgres://user@db:5432/app",
    "MongoDB connected on port 27017",
    "Connecting to http://localhost:9999",
    "connect ECONNREFUSED 127.0.0.1:8123",
    "Debugger listening on ws://127.0.0.1:9229/0f2c936f-b1cd-4ac9-aab3-f63b0f33d55e",
    "Ready to accept connections on port 6379",
    "report: 5000 rows, 300 ports scanned",
    "Compiled in 3000 ms",
    "fetching https://example.com:8443/data",
    "running at 100% of 8 cores",
    "listening on port 99999",
]


@pytest.mark.parametrize(("line", "port"), ANNOUNCEMENTS)
def test_a_usual_message_gives_its_port(line: str, port: int) -> None:
    assert ports_in_log([line]) == (port,)


@pytest.mark.parametrize("line", SILENT)
def test_times_versions_and_neighbours_are_no_ports(line: str) -> None:
    assert ports_in_log([line]) == ()


def test_side_doors_come_after_the_main_one() -> None:
    lines = ["metrics listening on :9100", "listening on :8080", "metrics listening on :9100"]
    assert ports_in_log(lines) == (8080, 9100)


@given(st.text(max_size=2000))
def test_no_line_makes_the_log_reader_stumble(text: str) -> None:
    assert all(0 < port < 65536 for port in ports_in_log([text]))


@pytest.mark.parametrize(
    "piece",
    ["listening ", "listening on ", "port ", "0.0.0.0:", "127.", "\x1b[", "\x1b]", "connect ", "http://", "9", ":::"],
)
def test_a_hostile_line_costs_no_time(piece: str) -> None:
    began = time.perf_counter()
    ports_in_log([piece * 20_000] * 20)
    assert time.perf_counter() - began < 1


def test_candidates_follow_the_document() -> None:
    found = candidate_ports(exposed=[9000], log=["listening on port 7000", "0.0.0.0:9000"], inspected=[6001, 80])
    assert found == (
        Candidate(9000, "EXPOSE in the Dockerfile"),
        Candidate(7000, "its log"),
        Candidate(6001, "docker inspect"),
        Candidate(80, "docker inspect"),
        Candidate(8080, "a common port"),
        Candidate(3000, "a common port"),
        Candidate(8000, "a common port"),
        Candidate(5000, "a common port"),
    )


TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00007F:B35F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14179 1 0 100 0 0 10 0
   1: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14180 1 0 100 0 0 10 0
   2: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14181 1 0 100 0 0 10 0
   3: 0200C90A:0BB8 0100C90A:9A20 01 00000000:00000000 00:00000000 00000000     0        0 14182 1 0 100 0 0 10 0
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 0
   1: 00000000000000000000000001000000:2328 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 0
   2: 0000000000000000FFFF00000100007F:2329 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 0
   3: 0000000000000000FFFF00000200C90A:0BB8 0000000000000000FFFF00000100C90A:9A20 06 00000000:00000000 03:0000080C 0
"""


def test_the_kernels_table_tells_what_listens_and_for_whom() -> None:
    assert read_listeners(TCP) == (
        Listener(3000, "0.0.0.0", False),
        Listener(5000, "127.0.0.1", True),
        Listener(8080, "::", False),
        Listener(9000, "::1", True),
        Listener(9001, "127.0.0.1", True),
    )


def test_a_port_that_is_open_on_any_outside_address_is_reachable() -> None:
    both = TCP + "   9: 00000000:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 0\n"
    sockets = Sockets(read_listeners(both))
    assert 5000 in sockets.reachable
    assert sockets.addresses == ("0.0.0.0:3000", "0.0.0.0:5000", "[::]:8080", "[::1]:9000", "127.0.0.1:9001")


def sockets(*listeners: tuple[int, str]) -> Sockets:
    return Sockets(tuple(Listener(port, address, address in ("127.0.0.1", "::1")) for port, address in listeners))


def test_the_expected_port_is_taken_when_it_listens() -> None:
    found = choose_port(3000, candidate_ports(exposed=[8080]), sockets((3000, "0.0.0.0"), (8080, "0.0.0.0")))
    assert found is not None
    assert (found.port, found.verified, found.loopback_only, found.others) == (3000, True, False, (8080,))


def test_another_port_that_listens_is_used_and_said() -> None:
    found = choose_port(3000, candidate_ports(log=["listening on port 5001"]), sockets((5001, "::"), (4000, "0.0.0.0")))
    assert found is not None
    assert (found.port, found.source) == (5001, "its log")
    assert found.told(3000) == "The app listens on port 5001, not on 3000 as expected; 5001 is used."


def test_without_a_clue_the_lowest_ordinary_port_is_used() -> None:
    found = choose_port(3000, [], sockets((1234, "127.0.0.1"), (4321, "0.0.0.0"), (40000, "0.0.0.0")))
    assert found is not None
    assert found.port == 4321


def test_an_app_that_listens_on_loopback_only_is_told_so() -> None:
    found = choose_port(3000, candidate_ports(), sockets((3000, "127.0.0.1"), (9100, "0.0.0.0")))
    assert found is not None
    assert (found.port, found.loopback_only, found.others) == (3000, True, (9100,))
    assert "127.0.0.1 only" in found.told(3000)


def test_nothing_is_decided_while_nothing_listens() -> None:
    assert choose_port(3000, candidate_ports(exposed=[80]), sockets()) is None


def test_the_best_clue_stands_where_sockets_cannot_be_read() -> None:
    blind = Sockets(problem="no cat")
    planned, guessed = choose_port(3000, [], blind), choose_port(None, candidate_ports(exposed=[81]), blind)
    assert planned is not None and guessed is not None
    assert (planned.port, planned.verified) == (3000, False)
    assert (guessed.port, guessed.source) == (81, "EXPOSE in the Dockerfile")
    assert blind.addresses is None


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_a_port_that_something_uses_is_passed_over(busy: int) -> None:
    assert not is_free(busy, "127.0.0.1")
    assert not is_free(busy, "0.0.0.0")
    assert free_host_port(busy, busy + 50, lambda port: False, "127.0.0.1") > busy


def test_a_port_that_is_bound_but_does_not_listen_is_passed_over() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        assert not is_free(holder.getsockname()[1], "127.0.0.1")


def test_a_port_that_somebody_reserved_is_passed_over(busy: int) -> None:
    asked: list[int] = []

    def is_taken(port: int) -> bool:
        asked.append(port)
        return port < busy + 3

    assert free_host_port(busy + 1, busy + 60, is_taken, "127.0.0.1") >= busy + 3
    assert asked[:3] == [busy + 1, busy + 2, busy + 3]


def test_an_address_of_another_machine_is_only_asked() -> None:
    assert is_free(65000, "192.0.2.77")


def test_a_full_range_is_an_error_that_names_the_setting(busy: int) -> None:
    with pytest.raises(DeploymentFailed) as raised:
        free_host_port(busy, busy, lambda port: False, "127.0.0.1")
    assert raised.value.code is Code.PORT_TAKEN
    assert "BUTLER_LAST_HOST_PORT" in raised.value.hint


async def test_a_process_of_this_machine_is_not_taken_for_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_exec(*_: object, **__: object) -> str:
        raise port_discovery.sockets.CommandFailed(["docker", "exec"], 1, ["no such container"])

    monkeypatch.setattr(port_discovery.sockets.shell, "output", no_exec)
    assert (await port_discovery.listening_sockets(1, "f" * 64)).problem is not None
    assert (await port_discovery.listening_sockets(0, "f" * 64)).problem == "the container does not run"


def test_expose_is_read_from_the_stage_that_is_built() -> None:
    text = "FROM node AS a\nEXPOSE 1\nFROM nginx\nARG P=81\nEXPOSE $P 8443/tcp 53/udp\n"
    assert port_discovery.exposed_ports(text, {}) == (81, 8443)
