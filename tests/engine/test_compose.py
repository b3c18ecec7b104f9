"""Compose stacks on a real engine: two services to HTTP 200, side by side, again, failing, and gone."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import socket
import stat
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import docker_compose
from docker_compose import ComposeStack
from domain import Commit, DeployRequest, Event, EventKind, Kind, Plan, RunningContainer
from robust_error_handler import Code, DeploymentFailed, PortTaken
from settings import Settings
from tests.engine.busybox import import_busybox
from workspace import Checkout, open_folder

pytestmark = pytest.mark.engine

RUN = uuid.uuid4().hex[:8]
BASE = f"butler-test/compose-base:{RUN}"
TOOLS = (
    "sh",
    "cat",
    "sleep",
    "ls",
    "httpd",
    "wget",
    "true",
    "false",
    "touch",
    "echo",
    "id",
    "env",
    "mkdir",
    "nc",
    "test",
)

WEB_DOCKERFILE = f"""# syntax=docker/dockerfile:1
FROM {BASE} AS served
COPY . /www
RUN ["touch", "/www/built"]
EXPOSE 8000
CMD ["httpd", "-f", "-p", "8000", "-h", "/www"]
FROM no-such-image:1 AS unused
"""
API_DOCKERFILE = f'FROM {BASE}\nARG NAME=api\nCOPY . /www\nCMD ["httpd", "-f", "-p", "80", "-h", "/www"]\n'
ASK = "#!/bin/sh\necho\nwget -q -O - http://api/name 2>&1\n"
# Without libraries the C library inside busybox resolves names only when told to use what is built into it.
NAME_SERVICES = "hosts: files dns\nservices: files\nprotocols: files\nnetworks: files\npasswd: files\ngroup: files\n"
STACK = """
name: somebody-elses
services:
  api:
    build: ./api
    container_name: api
    ports: ["80:80"]
    volumes: ["data:/data", "./conf:/conf:ro"]
  web:
    build: {context: web, target: served}
    container_name: web
    ports: ["8000:8000"]
    depends_on: [api]
    environment: {MONEY: "a$$b", GIVEN: "${GIVEN:-nothing}"}
volumes: {data: {}}
"""


def docker(*words: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *words], check=check, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


@pytest.fixture(scope="module", autouse=True)
def base_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    files = {"etc/nsswitch.conf": NAME_SERVICES, "etc/services": "", "etc/passwd": "root:x:0:0::/:/bin/sh\n"}
    import_busybox(tmp_path_factory.mktemp("compose-base"), BASE, tools=TOOLS, files=files)
    yield
    docker("image", "rm", BASE, check=False)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def get(url: str) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return str(answer.read().decode())


async def answer(url: str, *, seconds: float = 15) -> str:
    """The first answer within the time."""
    end = time.monotonic() + seconds
    while True:
        try:
            return await asyncio.to_thread(get, url)
        except OSError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.1)


class App:
    """A repository with a Compose file, and one Butler that deploys it."""

    def __init__(self, folder: Path, settings: Settings, *, user_id: int = 7) -> None:
        self.source = folder / "src"
        self.generated = folder / "generated"
        self.settings = settings
        self.user_id = user_id
        self.name = f"test-{RUN}-{uuid.uuid4().hex[:6]}"
        self.release = 0
        self.events: list[Event] = []
        self.env: dict[str, str] = {}
        self.write("docker-compose.yml", STACK)
        self.write("web/Dockerfile", WEB_DOCKERFILE)
        self.write("web/index.html", "first")
        self.write("web/cgi-bin/ask", ASK, mode=0o755)
        self.write("api/Dockerfile", API_DOCKERFILE)
        self.write("api/name", self.name)
        self.write("conf/app.conf", "setting=1")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        place = self.source / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def tree(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self.source.rglob("*")):
            digest.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
        return digest.hexdigest()

    async def prepare(self, host_port: int | None) -> tuple[ComposeStack, Checkout]:
        self.release += 1
        self.events = []
        shutil.rmtree(self.generated, ignore_errors=True)
        self.generated.mkdir(parents=True)
        checkout = Checkout(open_folder(self.source), Commit("c" * 40, "s", "a", "main", self.tree()), self.generated)
        plan = Plan("compose", Kind.COMPOSE, compose_file="docker-compose.yml")
        request = DeployRequest(
            "https://git.test/x.git", self.name, self.user_id, release_number=self.release, backend_env=self.env
        )
        stack = await docker_compose.prepare(
            plan, checkout, request, self.events.append, self.settings, host_port=host_port
        )
        return stack, checkout

    async def start(self, host_port: int) -> tuple[ComposeStack, RunningContainer]:
        stack, checkout = await self.prepare(host_port)
        stack = await docker_compose.build(stack, checkout, self.events.append, self.settings)
        return stack, await docker_compose.up(stack, self.events.append, self.settings)

    async def deploy(self, host_port: int) -> RunningContainer:
        stack, container = await self.start(host_port)
        assert container.url
        await answer(container.url)
        await docker_compose.keep(stack, container, self.settings)
        return container

    async def down(self, *, remove_volumes: bool = True) -> list[str]:
        return await docker_compose.down(self.name, self.user_id, self.settings, remove_volumes=remove_volumes)

    def texts(self, kind: EventKind) -> list[str]:
        return [event.text for event in self.events if event.kind is kind]

    def leftovers(self) -> dict[str, list[str]]:
        label = f"label=butler.app={self.name}"
        return {
            "containers": docker("ps", "-aq", "--filter", label).split(),
            "networks": docker("network", "ls", "-q", "--filter", label).split(),
            "volumes": docker("volume", "ls", "-q", "--filter", label).split(),
            "images": docker("image", "ls", "-q", "--filter", label).split(),
            "files": [str(path) for path in (self.settings.data_dir / "apps" / self.name).glob("*")],
        }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data", min_free_disk_mb=0)


@pytest.fixture
async def app(tmp_path: Path, settings: Settings):
    app = App(tmp_path / "one", settings)
    yield app
    await app.down()


@pytest.fixture
async def other(tmp_path: Path, settings: Settings):
    app = App(tmp_path / "two", settings, user_id=8)
    yield app
    await app.down()


def inspected(name: str) -> dict:
    return json.loads(docker("inspect", name))[0]


async def test_a_stack_of_two_services_is_deployed_confined_labelled_redeployed_and_removed(app: App) -> None:
    app.env = {"GIVEN": 'it\'s $5 & "quoted"', "EXTRA": "line1\nline2"}
    port = free_port()
    container = await app.deploy(port)

    assert container.url == f"http://localhost:{port}"
    assert container.container_port == 8000
    assert await answer(container.url) == "first"
    assert await answer(f"{container.url}/cgi-bin/ask") == app.name

    states = await docker_compose.states(app.name, app.settings)
    assert set(states) == {"api", "web"}
    web, api = inspected(states["web"].id), inspected(states["api"].id)
    for one in (web, api):
        labels, host = one["Config"]["Labels"], one["HostConfig"]
        assert labels["butler"] == "1"
        assert labels["butler.instance"] == app.settings.instance
        assert labels["butler.app"] == app.name
        assert labels["butler.user"] == "7"
        assert labels["butler.release"] == "1"
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["Memory"] == 1024**3 == host["MemorySwap"]
        assert host["PidsLimit"] == 512
        assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
        assert host["Init"] is True
        assert not host["Privileged"]
    assert web["HostConfig"]["PortBindings"] == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    assert not api["HostConfig"]["PortBindings"]
    assert {"MONEY=a$b", f"GIVEN={app.env['GIVEN']}", f"EXTRA={app.env['EXTRA']}"} <= set(web["Config"]["Env"])
    assert web["HostConfig"]["RestartPolicy"]["Name"] == "always"

    prefix = f"butler-{app.settings.instance}"
    networks = web["NetworkSettings"]["Networks"]
    assert set(networks) == {f"{prefix}-app-{app.name}", f"{prefix}-u7", app.settings.network_name}
    assert app.name in networks[f"{prefix}-u7"]["Aliases"]
    assert set(api["NetworkSettings"]["Networks"]) == {f"{prefix}-app-{app.name}"}
    shared = networks[app.settings.network_name].get("Aliases") or []
    assert "web" not in shared

    binds = {mount["Destination"]: mount for mount in api["Mounts"]}
    assert binds["/conf"]["RW"] is False
    assert binds["/conf"]["Source"].startswith(str(app.settings.data_dir.resolve()))
    assert docker("exec", states["api"].id, "cat", "/conf/app.conf") == "setting=1"
    final = app.settings.data_dir / "apps" / app.name / "compose.json"
    assert stat.S_IMODE(final.stat().st_mode) == 0o600

    docker("exec", states["api"].id, "touch", "/data/kept")
    app.write("web/index.html", "second")
    again = await app.deploy(port)
    assert await answer(str(again.url)) == "second"
    after = await docker_compose.states(app.name, app.settings)
    assert after["web"].id != states["web"].id
    assert docker("exec", after["api"].id, "ls", "/data") == "kept\n"

    unchanged = await app.deploy(port)
    assert not [text for text in app.texts(EventKind.NOTE) if text.startswith("Building")]
    assert (await docker_compose.states(app.name, app.settings))["api"].id == after["api"].id
    assert await answer(str(unchanged.url)) == "second"

    removed = await app.down()
    assert len(removed) == 2
    assert app.leftovers() == {"containers": [], "networks": [], "volumes": [], "images": [], "files": []}


async def test_two_stacks_with_the_same_service_names_get_only_their_own_answers(app: App, other: App) -> None:
    mine, theirs = await asyncio.gather(app.deploy(free_port()), other.deploy(free_port()))
    for _ in range(50):
        assert await answer(f"{mine.url}/cgi-bin/ask") == app.name
        assert await answer(f"{theirs.url}/cgi-bin/ask") == other.name


async def test_a_failed_redeploy_brings_the_stack_before_it_back(app: App) -> None:
    port = free_port()
    await app.deploy(port)
    app.write("web/Dockerfile", f'FROM {BASE} AS served\nCMD ["sh", "-c", "echo no database >&2; exit 3"]\n')
    with pytest.raises(DeploymentFailed) as caught:
        await app.start(port)
    assert caught.value.code is Code.CRASHED_AT_START
    assert 'Service "web" ended with code 3' in caught.value.message
    assert "no database" in caught.value.lines

    container = await docker_compose.restore_previous(app.name, app.user_id, app.events.append, app.settings)
    assert container is not None
    assert await answer(str(container.url)) == "first"
    assert await answer(f"{container.url}/cgi-bin/ask") == app.name


async def test_a_first_deployment_that_fails_leaves_no_container(app: App) -> None:
    app.write("web/Dockerfile", f'FROM {BASE} AS served\nCMD ["false"]\n')
    with pytest.raises(DeploymentFailed):
        await app.start(free_port())
    assert await docker_compose.restore_previous(app.name, app.user_id, app.events.append, app.settings) is None
    left = app.leftovers()
    assert (left["containers"], left["networks"]) == ([], [])


async def test_a_job_that_fails_is_named_with_its_last_lines(app: App) -> None:
    app.write(
        "docker-compose.yml",
        STACK.replace("depends_on: [api]", "depends_on: {job: {condition: service_completed_successfully}}").replace(
            "volumes: {data: {}}",
            f"  job:\n    image: {BASE}\n    command: [sh, -c, 'echo migration 7 failed; exit 4']\nvolumes: {{data: {{}}}}",
        ),
    )
    with pytest.raises(DeploymentFailed) as caught:
        await app.start(free_port())
    assert 'Service "job" ended with code 4' in caught.value.message
    assert "migration 7 failed" in caught.value.lines


async def test_a_service_that_never_becomes_healthy_is_named(app: App) -> None:
    app.write(
        "docker-compose.yml",
        STACK.replace("depends_on: [api]", "depends_on: {api: {condition: service_healthy}}").replace(
            "container_name: api", "healthcheck: {test: [CMD, 'false'], interval: 100ms, retries: 1, timeout: 1s}"
        ),
    )
    with pytest.raises(DeploymentFailed) as caught:
        await app.start(free_port())
    assert caught.value.code is Code.NOT_ANSWERING
    assert 'Service "api" did not become healthy' in caught.value.message


async def test_a_site_that_needs_its_neighbour_first_is_started_again(app: App) -> None:
    app.write(
        "web/Dockerfile",
        f"FROM {BASE} AS served\nCOPY . /www\nCMD wget -q -O - http://api/name || exit 1; httpd -f -p 8000 -h /www\n",
    )
    app.write("api/Dockerfile", f'FROM {BASE}\nCOPY . /www\nCMD ["sh", "-c", "sleep 3; httpd -f -p 80 -h /www"]\n')
    container = await app.deploy(free_port())
    assert await answer(str(container.url)) == "first"
    assert [text for text in app.texts(EventKind.NOTE) if "started again" in text]


async def test_a_taken_host_port_is_said_as_such_and_another_one_works(app: App) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = int(listener.getsockname()[1])
        stack, checkout = await app.prepare(taken)
        stack = await docker_compose.build(stack, checkout, app.events.append, app.settings)
        with pytest.raises(PortTaken) as caught:
            await docker_compose.up(stack, app.events.append, app.settings)
        assert caught.value.host_port == taken
        stack = docker_compose.with_ports(stack, host_port=free_port())
        container = await docker_compose.up(stack, app.events.append, app.settings)
    assert await answer(str(container.url)) == "first"


async def test_the_port_of_the_site_comes_from_its_image_where_the_file_names_none(app: App) -> None:
    app.write("docker-compose.yml", "services: {web: {build: {context: web, target: served}}}\n")
    container = await app.deploy(free_port())
    assert container.container_port == 8000


async def test_a_dangerous_file_is_refused_with_its_lines_and_starts_nothing(app: App) -> None:
    app.write(
        "docker-compose.yml",
        "services:\n  web:\n    build: web\n    privileged: true\n    network_mode: host\n    volumes:\n"
        "      - /var/run/docker.sock:/var/run/docker.sock\n      - /etc:/etc2\n    ports: ['80:80']\n",
    )
    with pytest.raises(DeploymentFailed) as caught:
        await app.prepare(free_port())
    assert caught.value.code is Code.COMPOSE_REFUSED
    text = "\n".join(caught.value.lines)
    assert "Remove line 4 of docker-compose.yml" in text
    assert "Remove line 5 of docker-compose.yml" in text
    assert "asks for the Docker socket (line 7 of docker-compose.yml)" in text
    assert 'the folder "/etc" (line 8 of docker-compose.yml) is outside the repository' in text
    assert app.leftovers()["containers"] == []


async def test_the_servers_own_environment_never_reaches_a_stack(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUTLER_SECRET_KEY", "server-secret-0123456789-0123456789")
    app.write("docker-compose.yml", STACK.replace("nothing}", "nothing}${BUTLER_SECRET_KEY}${PATH}"))
    stack, _ = await app.prepare(None)
    environment = stack.model["services"]["web"]["environment"]
    assert "server-secret" not in json.dumps(stack.model)
    assert environment["GIVEN"].startswith("nothing")
    assert any("BUTLER_SECRET_KEY" in text for text in app.texts(EventKind.WARNING))


async def test_a_stack_that_ignores_its_end_is_still_removed_soon(app: App) -> None:
    app.write(
        "docker-compose.yml",
        STACK.replace("container_name: api", "stop_grace_period: 1h\n    stop_signal: SIGUSR2"),
    )
    await app.deploy(free_port())
    began = time.monotonic()
    await app.down()
    assert time.monotonic() - began < 30
    assert app.leftovers()["containers"] == []


async def test_further_networks_are_ours_and_keep_services_apart(app: App) -> None:
    app.write(
        "docker-compose.yml",
        STACK.replace("container_name: api", "networks: [back]")
        .replace("container_name: web", "networks: {front: null, back: {aliases: [site]}}")
        .replace(
            "volumes: {data: {}}",
            "networks: {front: {}, back: {internal: true, ipam: {config: [{subnet: 10.9.0.0/24}]}}}\nvolumes: {data: {}}",
        ),
    )
    container = await app.deploy(free_port())
    assert await answer(f"{container.url}/cgi-bin/ask") == app.name
    back = json.loads(docker("network", "inspect", f"butler-{app.settings.instance}-app-{app.name}--back"))[0]
    assert back["Internal"] is True
    assert back["IPAM"]["Config"][0]["Subnet"].startswith("10.201.")


async def test_build_failures_name_the_service_and_show_the_lines(app: App) -> None:
    app.write("web/Dockerfile", f'FROM {BASE}\nRUN ["sh", "-c", "echo broken thing; exit 9"]\n')
    app.write("docker-compose.yml", STACK.replace(", target: served", ""))
    with pytest.raises(DeploymentFailed) as caught:
        await app.start(free_port())
    assert 'Service "web"' in caught.value.message
    assert any("broken thing" in line for line in caught.value.lines)
    assert any("broken thing" in text for text in app.texts(EventKind.LINE))


async def test_a_missing_url_is_an_error_of_the_test_itself(app: App) -> None:
    with pytest.raises((urllib.error.URLError, OSError)):
        await answer(f"http://127.0.0.1:{free_port()}", seconds=0.2)
