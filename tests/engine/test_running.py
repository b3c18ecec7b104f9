"""Containers on a real engine: started, answering or failing in every known way, stopped, and gone without a trace."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import docker_run
import port_discovery
from docker_run import EngineFacts, Reason, engine
from domain import RunningContainer
from robust_error_handler import Code, DeploymentFailed, NotFound, PortTaken
from tests.engine.tiny_app import SERVE, TinyButler, docker, inspected, said_inside, tiny_image

pytestmark = pytest.mark.engine

NETWORK = f"butler-test-net-{time.time_ns():x}"


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


async def looked_into(
    container: RunningContainer, tiny: TinyButler
) -> tuple[port_discovery.Finding | None, tuple[str, ...]]:
    state = await docker_run.inspect(container.id, tiny.settings)
    assert state is not None
    found, sockets = await port_discovery.find_running_port(pid=state.pid, container_id=state.id, expected=3000)
    return found, sockets.addresses or ()


async def test_an_app_runs_answers_settles_and_goes(tiny: TinyButler) -> None:
    container = await tiny.run()
    verdict = await docker_run.wait_until_answers(container, tiny.settings)
    assert (verdict.answered, verdict.status_code) == (True, 200)
    assert (await docker_run.settle(container, tiny.settings)).answered
    state = await docker_run.inspect(container.name, tiny.settings)
    assert state is not None and state.running
    assert (state.restart_policy, state.ports) == ("always", {3000: container.host_port})
    assert container.url == f"http://localhost:{container.host_port}"
    assert await docker_run.remove_app(container.name, 1, tiny.settings) == [container.name]
    assert tiny.left() == ""
    assert await docker_run.remove_app(container.name, 1, tiny.settings) == []


async def test_a_container_gets_its_limits_and_no_more_rights_than_it_needs(tiny: TinyButler) -> None:
    container = await tiny.serving()
    entry = inspected(container.id)
    host = entry["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert "NET_RAW" not in " ".join(host["CapAdd"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["Init"], host["Privileged"], host["PidMode"], host["Binds"]) == (True, False, "", None)
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (64 << 20, 64 << 20, 512)
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    assert host["PortBindings"]["3000/tcp"][0]["HostIp"] == "127.0.0.1"
    assert set(entry["NetworkSettings"]["Networks"]) == set(
        dataclasses.astuple(docker_run.networks_of(container.name, 1, tiny.settings))
    )


async def test_an_engine_that_takes_one_network_at_a_time_ends_up_the_same(
    tiny: TinyButler, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = inspected((await tiny.serving()).id)
    monkeypatch.setattr(engine, "_known_facts", [EngineFacts(2, several_networks=False)])
    container = await tiny.serving()
    old = inspected(container.id)
    assert len(old["NetworkSettings"]["Networks"]) == 3
    for key in ("CapAdd", "Memory", "RestartPolicy", "SecurityOpt", "LogConfig", "PidsLimit"):
        assert old["HostConfig"][key] == new["HostConfig"][key]
    aliases = {name: end["Aliases"] for name, end in old["NetworkSettings"]["Networks"].items()}
    assert not aliases[NETWORK]
    assert all(container.name in aliases[name] for name in aliases if name != NETWORK)


async def test_a_port_of_another_program_is_taken_and_nothing_is_left(tiny: TinyButler) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        spec = await tiny.spec(host_port=holder.getsockname()[1])
        with pytest.raises(PortTaken) as raised:
            await docker_run.start_container(spec, tiny.settings)
        assert raised.value.host_port == spec.host_port
    assert await docker_run.inspect(spec.name, tiny.settings) is None
    assert (await docker_run.start_container(spec, tiny.settings)).host_port == spec.host_port


async def test_a_port_of_another_container_is_taken(tiny: TinyButler) -> None:
    first = await tiny.serving()
    with pytest.raises(PortTaken):
        await tiny.run(host_port=first.host_port)
    assert len(await docker_run.list_containers(tiny.settings)) == 1


async def test_an_app_on_loopback_is_told_what_to_change(tiny: TinyButler) -> None:
    container = await tiny.run(SERVE.replace("$PORT", "127.0.0.1:3000"))
    verdict = await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=1)
    assert (verdict.answered, verdict.reason) == (False, Reason.CLOSED)
    found, listening = await looked_into(container, tiny)
    assert found is not None and (found.port, found.loopback_only) == (3000, True)
    error = await docker_run.failure(verdict, container, tiny.settings, listening=listening, framework="flask")
    assert error.code is Code.LOOPBACK_ONLY
    assert "flask run --host 0.0.0.0" in error.hint


async def test_an_app_on_another_port_is_found_there(tiny: TinyButler) -> None:
    container = await tiny.run("echo listening on port 5001; " + SERVE.replace("$PORT", "5001"))
    verdict = await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=1)
    assert not verdict.answered
    found, listening = await looked_into(container, tiny)
    assert found is not None and (found.port, found.loopback_only) == (5001, False)
    assert (await docker_run.failure(verdict, container, tiny.settings, listening=listening)).code is Code.WRONG_PORT


async def test_sockets_can_be_read_from_inside_too(tiny: TinyButler, monkeypatch: pytest.MonkeyPatch) -> None:
    container = await tiny.serving()
    monkeypatch.setattr(port_discovery.sockets, "_table_from_host", lambda *_: None)
    found, listening = await looked_into(container, tiny)
    assert found is not None and found.port == 3000
    assert listening == ("[::]:3000",)


async def test_a_crash_ends_the_wait_at_once_and_shows_its_lines(tiny: TinyButler) -> None:
    container = await tiny.run("echo opening the shop; echo 'KeyError: SHOP_KEY'; exit 3")
    verdict = await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=30)
    assert (verdict.answered, verdict.reason) == (False, Reason.EXITED)
    assert verdict.state is not None and verdict.state.exit_code == 3
    assert verdict.seconds < 5
    error = await docker_run.failure(verdict, container, tiny.settings)
    assert error.code in (Code.CRASHED_AT_START, Code.MISSING_VARIABLE)
    assert "KeyError: SHOP_KEY" in error.lines


async def test_a_crash_while_settling_is_noticed(tiny: TinyButler) -> None:
    container = await tiny.run("httpd -p $PORT -h /tmp; sleep 0.6; exit 4")
    verdict = await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=5)
    assert verdict.answered
    patient = tiny.settings.model_copy(update={"settle_seconds": 3})
    settled = await docker_run.settle(container, patient)
    assert (settled.answered, settled.reason) == (False, Reason.EXITED)
    assert settled.state is not None and settled.state.exit_code == 4


async def test_an_app_that_uses_too_much_memory_is_told_so(tiny: TinyButler) -> None:
    container = await tiny.run("echo hoarding; exec tail /dev/zero")
    verdict = await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=30)
    assert verdict.reason is Reason.EXITED
    error = await docker_run.failure(verdict, container, tiny.settings)
    assert error.code is Code.OUT_OF_MEMORY
    assert "64m" in error.message


async def test_an_app_that_only_fails_is_no_success(tiny: TinyButler) -> None:
    answer = r"while true; do printf 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n' | nc -l -p $PORT; done"
    container = await tiny.run(answer)
    verdict = await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=2)
    assert (verdict.answered, verdict.status_code) == (False, 503)
    error = await docker_run.failure(verdict, container, tiny.settings)
    assert error.code is Code.NOT_ANSWERING and "503" in error.message


async def test_a_slow_start_is_waited_for(tiny: TinyButler) -> None:
    container = await tiny.run("sleep 1; " + SERVE)
    verdict = await docker_run.wait_until_answers(container, tiny.settings)
    assert verdict.answered
    assert 0.5 < verdict.seconds < 5


async def test_a_service_that_speaks_no_http_answers_too(tiny: TinyButler) -> None:
    container = await tiny.run("exec nc -ll -p $PORT -e echo 220 ready")
    verdict = await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=10)
    assert (verdict.answered, verdict.reason, verdict.status_code) == (True, Reason.TCP, None)


async def test_variables_arrive_as_they_are_and_are_never_on_a_command_line(tiny: TinyButler) -> None:
    secret = "s3cr3t-in-no-argv"
    values = {"A": f"{secret}\nsecond \"line\" 'quoted' $HOME `x`", "HOME": f"/home/{secret} #1", "DOCKER_HOST": secret}
    spec = await tiny.spec("env; sleep 60", env=values)
    seen: list[bytes] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.append(path.read_bytes())
                except OSError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        container = await docker_run.start_container(spec, tiny.settings)
    finally:
        done.set()
        watcher.join()
    assert any(b"docker\0run" in words and spec.name.encode() in words for words in seen)
    assert not any(secret.encode() in words for words in seen)
    environment = dict(entry.split("=", 1) for entry in inspected(container.id)["Config"]["Env"])
    assert {name: environment[name] for name in values} == values
    assert list(tiny.settings.work_dir.iterdir()) == []


async def test_a_program_that_is_not_in_the_image_is_named(tiny: TinyButler) -> None:
    tag = docker("commit", "--change", 'CMD ["/no/such/program"]', await _created(tiny))
    spec = await tiny.spec(image_id=tag)
    try:
        container = await docker_run.start_container(spec, tiny.settings)
        verdict = await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=10)
        error = await docker_run.failure(verdict, container, tiny.settings)
    finally:
        await docker_run.stop_and_remove(spec.name, tiny.settings)
        docker("image", "rm", "--force", tag, check=False)
    assert error.code is Code.CRASHED_AT_START
    assert "/no/such/program" in " ".join((error.message, *error.lines))


async def _created(tiny: TinyButler) -> str:
    return (await tiny.run("sleep 60")).id


async def test_an_image_that_is_gone_is_said_and_nothing_is_left(tiny: TinyButler) -> None:
    spec = await tiny.spec(image_id="sha256:" + "0" * 64)
    with pytest.raises(DeploymentFailed) as raised:
        await docker_run.start_container(spec, tiny.settings)
    assert raised.value.code is Code.IMAGE_NOT_FOUND
    assert await docker_run.inspect(spec.name, tiny.settings) is None


async def test_starting_again_under_the_same_name_replaces_the_container(tiny: TinyButler) -> None:
    first = await tiny.serving()
    second = await tiny.serving(app=first.name)
    assert first.id != second.id
    assert [state.id for state in await docker_run.list_containers(tiny.settings)] == [second.id]


async def test_a_cancelled_start_leaves_nothing(tiny: TinyButler) -> None:
    spec = await tiny.spec()
    for pause in (0.05, 0.15, 0.3):
        task = asyncio.create_task(docker_run.start_container(spec, tiny.settings))
        await asyncio.sleep(pause)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled():
            await docker_run.stop_and_remove(spec.name, tiny.settings)
    await asyncio.sleep(0.5)
    assert await docker_run.list_containers(tiny.settings) == []


async def test_a_stopped_app_comes_back_on_its_address(tiny: TinyButler) -> None:
    container = await tiny.serving(host_port=_free_port())
    stopped = await docker_run.stop(container.name, tiny.settings)
    assert (stopped.running, stopped.restart_policy) == (False, "no")
    started = await docker_run.start_again(container.name, tiny.settings)
    assert (started.running, started.restart_policy) == (True, "always")
    assert (await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=10)).answered
    restarted = await docker_run.restart(container.name, tiny.settings)
    assert restarted.started_at != started.started_at
    assert (await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=10)).answered


async def test_an_address_that_was_taken_meanwhile_is_said(tiny: TinyButler) -> None:
    container = await tiny.serving(host_port=_free_port())
    await docker_run.stop(container.name, tiny.settings)
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", container.host_port or 0))
        holder.listen()
        with pytest.raises(PortTaken):
            await docker_run.start_again(container.name, tiny.settings)


async def test_the_engine_restarts_a_settled_app_that_crashes(tiny: TinyButler) -> None:
    container = await tiny.serving()
    assert (await docker_run.settle(container, tiny.settings)).answered
    docker("exec", container.id, "sh", "-c", "kill -9 -1", check=False)
    state = await docker_run.inspect(container.id, tiny.settings)
    for _ in range(50):
        state = await docker_run.inspect(container.id, tiny.settings)
        if state is not None and state.restart_count and state.running:
            break
        await asyncio.sleep(0.1)
    assert state is not None and state.restart_count == 1 and state.running


async def test_a_container_can_be_renamed_twice_over(tiny: TinyButler) -> None:
    container = await tiny.run("sleep 60")
    new = f"{container.name}-old"
    await docker_run.rename(container.name, new, tiny.settings)
    await docker_run.rename(container.name, new, tiny.settings)
    state = await docker_run.inspect(new, tiny.settings)
    assert state is not None and state.id == container.id
    assert await docker_run.stop_and_remove(new, tiny.settings)
    assert not await docker_run.stop_and_remove(new, tiny.settings)


async def test_one_app_is_removed_ten_times_at_once_without_complaint(tiny: TinyButler) -> None:
    container = await tiny.serving()
    await asyncio.gather(*(docker_run.remove_app(container.name, 1, tiny.settings) for _ in range(10)))
    assert tiny.left() == ""


async def test_another_butlers_container_is_out_of_reach(tiny: TinyButler, tmp_path: Path, image: str) -> None:
    other = TinyButler(tmp_path / "other", image, NETWORK)
    try:
        theirs = await other.serving()
        assert await docker_run.inspect(theirs.id, tiny.settings) is None
        assert await docker_run.stop_and_remove(theirs.name, tiny.settings) is False
        assert await docker_run.remove_app(theirs.name, 1, tiny.settings) == []
        assert await docker_run.log_lines(theirs.name, tiny.settings) == []
        with pytest.raises(NotFound):
            await docker_run.stop(theirs.name, tiny.settings)
        assert (await docker_run.wait_until_answers(theirs, other.settings, timeout_seconds=5)).answered
    finally:
        other.sweep()


async def test_log_lines_of_both_streams_are_read_and_followed(tiny: TinyButler) -> None:
    container = await tiny.run("echo one; echo two >&2; sleep 1; echo three")
    followed: list[str] = []
    await asyncio.wait_for(docker_run.follow_logs(container.name, followed.append, tiny.settings, tail=10), 20)
    assert sorted(followed) == ["one", "three", "two"]
    assert sorted(await docker_run.log_lines(container.name, tiny.settings)) == ["one", "three", "two"]
    assert await docker_run.log_lines(container.name, tiny.settings, tail=1) == ["three"]


async def test_a_network_that_was_removed_meanwhile_is_made_again(tiny: TinyButler) -> None:
    spec = await tiny.spec()
    await docker_run.remove_networks(spec.name, 1, tiny.settings)
    container = await docker_run.start_container(spec, tiny.settings)
    assert (await docker_run.wait_until_answers(container, tiny.settings, timeout_seconds=10)).answered


async def test_programs_in_a_container_gain_no_rights(tiny: TinyButler) -> None:
    container = await tiny.serving()
    status = said_inside(container.id, "cat", "/proc/1/status")
    rights = re.search(r"CapEff:\s*([0-9a-f]+)", status)
    assert rights is not None
    assert int(rights[1], 16) & (1 << 13 | 1 << 21 | 1 << 12) == 0  # NET_RAW, SYS_ADMIN, NET_ADMIN
    assert re.search(r"NoNewPrivs:\s*1", status)


async def test_starting_costs_little_more_than_docker_run_alone(
    tiny: TinyButler, record_property: Callable[[str, object], None]
) -> None:
    port = _free_port()
    spec = await tiny.spec(host_port=port)
    ours: list[float] = []
    plain: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        await docker_run.start_container(spec, tiny.settings)
        ours.append(time.perf_counter() - began)
        await docker_run.stop_and_remove(spec.name, tiny.settings, grace_seconds=0)
        label = f"butler.instance={tiny.settings.instance}"
        began = time.perf_counter()
        name = docker(
            "run",
            "-d",
            "--label",
            label,
            "-e",
            f"START={SERVE}",
            "-e",
            "PORT=3000",
            "-p",
            f"127.0.0.1:{port}:3000",
            tiny.image,
        )
        plain.append(time.perf_counter() - began)
        docker("rm", "-f", name)
    ratio = statistics.median(ours) / statistics.median(plain)
    record_property("start_container / docker run", round(ratio, 2))
    assert ratio < 4


def _free_port() -> int:
    return port_discovery.free_host_port(18500, 18999, lambda port: False, "127.0.0.1")
