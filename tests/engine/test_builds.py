"""Builds on a real engine: what is built, what is used again, what stays secret, how a build ends."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
import time
import uuid
from pathlib import Path

import pytest

import docker_build
from docker_build import images
from domain import Commit, DeployRequest, EventKind, Kind, Plan
from robust_error_handler import Code, DeploymentFailed
from settings import Settings
from tests.engine.busybox import import_busybox
from workspace import Checkout, open_folder

pytestmark = pytest.mark.engine

RUN = uuid.uuid4().hex[:8]
BASE = f"butler-test/busybox:{RUN}"
TOOLS = ("sh", "cat", "sleep", "ls", "mkdir", "touch", "printenv", "true", "false", "wget", "ps", "grep", "tail")


def docker(*words: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *words], check=check, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


@pytest.fixture(scope="module", autouse=True)
def base_image(tmp_path_factory):
    # What is in the environment is part of the cache key: nothing is cached from an earlier run of these tests.
    changes = [f"ENV PATH=/bin TEST_RUN={RUN}"]
    import_busybox(tmp_path_factory.mktemp("busybox"), BASE, tools=TOOLS, changes=changes)
    yield
    docker("image", "rm", BASE, check=False)


class App:
    """A repository on disk and what is needed to build it."""

    def __init__(self, folder: Path, settings: Settings, user_id: int = 7) -> None:
        self.settings = settings
        self.source = folder / "src"
        self.source.mkdir(parents=True)
        self.generated = folder / "generated"
        self.name = f"butler-test-{RUN}-{uuid.uuid4().hex[:6]}"
        self.user_id = user_id
        self.events: list = []
        self.write("Dockerfile", f"FROM {BASE}\nCOPY . /app\n")

    def write(self, path: str, text: str) -> None:
        place = self.source / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def tree(self) -> str:
        files = {str(path): path.read_bytes().hex() for path in self.source.rglob("*") if path.is_file()}
        return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()

    async def build(self, plan: Plan | None = None, **frontend_env: str):
        self.events.clear()
        self.generated.mkdir(exist_ok=True)
        plan = plan or Plan(strategy="dockerfile", kind=Kind.DOCKERFILE, dockerfile_path="Dockerfile")
        request = DeployRequest("https://x.test/a", self.name, self.user_id, frontend_env=frontend_env)
        checkout = Checkout(open_folder(self.source), Commit("c", "s", "a", "main", self.tree()), self.generated)
        try:
            return await docker_build.build_image(plan, checkout, request, self.events.append, self.settings)
        finally:
            shutil.rmtree(self.generated, ignore_errors=True)

    def texts(self, kind: EventKind = EventKind.LINE) -> list[str]:
        return [event.text for event in self.events if event.kind is kind]

    def run(self, image, *words: str) -> str:
        return docker("run", "--rm", "--network=none", image.id, *words)


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data_dir=tmp_path / "data", min_free_disk_mb=0, build_timeout_seconds=60)


@pytest.fixture
async def make_app(tmp_path, settings):
    apps: list[App] = []

    def make(**options) -> App:
        apps.append(App(tmp_path / f"app{len(apps)}", options.pop("settings", settings), **options))
        return apps[-1]

    yield make
    for app in apps:
        await docker_build.remove_old_images(app.name, app.settings, keep=0)


@pytest.fixture
def app(make_app) -> App:
    return make_app()


async def test_a_dockerfile_becomes_an_image_with_our_labels_and_its_ports(app):
    app.write("Dockerfile", f"# syntax=docker/dockerfile:1\nFROM {BASE}\nCOPY a /a\nEXPOSE 80 90-91/tcp 53/udp\n")
    app.write("a", "hello")
    image = await app.build()
    assert not image.reused
    assert image.id.startswith("sha256:")
    assert image.tag.startswith(f"local-registry/{app.name}:")
    assert image.exposed_ports == (80, 90, 91)
    assert app.run(image, "cat", "/a") == "hello"
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image.tag))
    assert labels["butler"] == "1"
    assert labels["butler.app"] == app.name
    assert labels["butler.user"] == "7"
    assert labels["butler.instance"] == app.settings.instance


async def test_an_unchanged_app_is_not_built_again_and_that_is_quick(app):
    first = await app.build()
    begun = time.perf_counter()
    second = await app.build()
    seconds = time.perf_counter() - begun
    assert second.reused
    assert (second.id, second.tag, second.exposed_ports) == (first.id, first.tag, first.exposed_ports)
    assert "used again" in app.texts(EventKind.NOTE)[0]
    assert app.texts() == []
    assert seconds < 1.0


async def test_a_changed_source_makes_a_new_image_from_cached_layers(app):
    app.write("deps", "1")
    app.write("Dockerfile", f"FROM {BASE}\nCOPY deps /deps\nRUN echo installing\nCOPY . /app\n")
    first = await app.build()
    app.write("main", "2")
    second = await app.build()
    assert not second.reused
    assert second.id != first.id
    assert any(text.startswith("cached: ") and "installing" in text for text in app.texts())


async def test_another_user_never_gets_the_same_image(make_app, settings):
    one, two = make_app(user_id=1), make_app(user_id=2)
    two.name = one.name
    first, second = await one.build(), await two.build()
    assert first.tag != second.tag
    assert not second.reused


async def test_a_foreign_image_under_the_right_tag_is_not_used(app):
    first = await app.build()
    docker("image", "rm", first.tag)
    docker("tag", BASE, first.tag)
    second = await app.build()
    assert not second.reused
    assert second.id != docker("image", "inspect", "--format", "{{.Id}}", BASE).strip()


async def test_output_arrives_while_the_build_runs(app):
    app.write("Dockerfile", f"FROM {BASE}\nRUN echo one && sleep 1.5 && echo two\n")
    arrived: dict[str, float] = {}
    app.events = Watch(arrived)
    await app.build()
    assert arrived["two"] - arrived["one"] > 1.0
    assert any(text.endswith("RUN echo one && sleep 1.5 && echo two") for text in arrived)
    assert not any(text.startswith("#") or "transferring" in text for text in arrived)


class Watch(list):
    def __init__(self, arrived: dict[str, float]) -> None:
        super().__init__()
        self.arrived = arrived

    def append(self, event) -> None:
        self.arrived[event.text] = time.monotonic()


async def test_a_build_secret_reaches_the_build_and_stays_out_of_the_image_and_of_sight(app):
    app.write(
        "Dockerfile",
        f"FROM {BASE} AS build\nARG VITE_URL\n"
        'RUN echo "arg=$VITE_URL" > /seen\n'
        'RUN --mount=type=secret,id=frontend_env . /run/secrets/frontend_env; echo "secret=$VITE_TOKEN" >> /seen; '
        "for i in 1 2 3 4 5 6 7 8; do sleep 0.2; done\n"
        f"FROM {BASE}\nCOPY --from=build /seen /seen\n",
    )
    value = "it's $ecret"
    building = asyncio.create_task(app.build(VITE_URL="hunter1", VITE_TOKEN=value))
    seen = []
    while not building.done():
        await asyncio.sleep(0.1)
        seen += [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if b"docker" in _quietly(path)]
    image = await building
    assert app.run(image, "cat", "/seen") == f"arg=hunter1\nsecret={value}\n"
    assert any(app.name.encode() in words for words in seen)
    everything = b"".join(seen).decode(errors="replace")
    everything += docker("history", "--no-trunc", image.id) + docker("image", "inspect", image.id)
    assert "hunter1" not in everything
    assert "ecret\n" not in everything
    assert value not in everything
    assert not any("frontend_env_" in text for text in app.texts())


def _quietly(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def test_a_changed_build_secret_reaches_the_image_although_layers_are_cached(app):
    app.write(
        "Dockerfile",
        f"FROM {BASE}\nRUN --mount=type=secret,id=frontend_env . /run/secrets/frontend_env; echo $VITE_X > /x\n",
    )
    first = await app.build(VITE_X="one")
    second = await app.build(VITE_X="two")
    third = await app.build(VITE_X="one")
    assert (app.run(first, "cat", "/x"), app.run(second, "cat", "/x")) == ("one\n", "two\n")
    assert third.reused
    assert third.id == first.id


async def test_a_value_is_not_passed_to_an_arg_of_the_final_stage_and_that_is_said(app):
    app.write("Dockerfile", f'FROM {BASE}\nARG VITE_URL\nRUN echo "arg=$VITE_URL" > /seen\n')
    image = await app.build(VITE_URL="hunter1")
    assert app.run(image, "cat", "/seen") == "arg=\n"
    assert "hunter1" not in docker("history", "--no-trunc", image.id)
    assert "--mount=type=secret,id=frontend_env" in app.texts(EventKind.WARNING)[0]


async def test_variables_that_would_steer_the_docker_client_do_not(app):
    app.write(
        "Dockerfile", f"FROM {BASE} AS a\nARG DOCKER_HOST\nARG PATH\nRUN true\nFROM {BASE}\nCOPY --from=a /tmp /t\n"
    )
    image = await app.build(DOCKER_HOST="tcp://127.0.0.1:1", PATH="/nowhere", BUILDKIT_SYNTAX="evil")
    assert not image.reused


async def test_cache_mounts_of_two_users_are_apart(make_app):
    text = f"FROM {BASE}\nARG N\nRUN --mount=type=cache,id=npm{RUN},target=/c ls /c > /found; touch /c/$N\n"
    one, two = make_app(user_id=1), make_app(user_id=2)

    def plan(value: str) -> Plan:
        return Plan(strategy="x", kind=Kind.NODE, dockerfile=text, build_args={"N": value})

    await one.build(plan("first"))
    foreign = await two.build(plan("second"))
    own = await one.build(plan("third"))
    assert two.run(foreign, "cat", "/found") == ""
    assert one.run(own, "cat", "/found") == "first\n"


async def test_a_users_own_namespace_argument_does_not_reach_anothers_cache(make_app):
    one, two = make_app(user_id=1), make_app(user_id=2)
    mount = f"RUN --mount=type=cache,id=own{RUN},target=/c ls /c > /found; touch /c/poison\n"
    one.write("Dockerfile", f"FROM {BASE}\n{mount}")
    victim = f"{one.settings.instance}-u1"
    two.write(
        "Dockerfile",
        f"ARG BUILDKIT_CACHE_MOUNT_NS={victim}\nFROM {BASE}\nARG BUILDKIT_CACHE_MOUNT_NS={victim}\n{mount}",
    )
    await one.build()
    assert two.run(await two.build(), "cat", "/found") == ""


async def test_the_ignore_file_is_kept_and_history_and_local_env_files_stay_out(app):
    app.write(".dockerignore", "secret.txt\n")
    for path in ("secret.txt", ".git/config", ".env.local", "kept.txt", "sub/.env.local", ".env.example"):
        app.write(path, "x")
    image = await app.build()
    assert sorted(app.run(image, "ls", "-A", "/app").split()) == [
        ".dockerignore", ".env.example", "Dockerfile", "kept.txt", "sub",
    ]  # fmt: skip
    assert app.run(image, "ls", "-A", "/app/sub") == ""


async def test_a_bad_dockerfile_is_said_with_its_lines(app):
    app.write("Dockerfile", f"FROM {BASE}\nRUN echo oh no; cat /nope; exit 3\n")
    with pytest.raises(DeploymentFailed) as caught:
        await app.build()
    assert caught.value.code is Code.BUILD_FAILED
    assert any("/nope" in line for line in caught.value.lines)
    assert "oh no" in app.texts()


async def test_a_mistake_in_the_dockerfile_names_the_users_line(app):
    app.write("Dockerfile", f"# syntax=docker/dockerfile:1\nFROM \\\n  {BASE}\nRUM echo\n")
    with pytest.raises(DeploymentFailed) as caught:
        await app.build()
    assert any("line 4" in line or ":4" in line for line in caught.value.lines)


async def test_what_is_refused_never_reaches_the_engine(app):
    app.write("Dockerfile", f"FROM {BASE}\nRUN --network=host wget http://127.0.0.1\nADD http://127.0.0.1/x /x\n")
    with pytest.raises(DeploymentFailed) as caught:
        await app.build()
    assert caught.value.code is Code.DOCKERFILE_REFUSED
    assert caught.value.lines[0].startswith("line 2:")
    app.write("Dockerfile", f"FROM {BASE}\nADD http://127.0.0.1:1/x /x\n")
    with pytest.raises(DeploymentFailed, match="127.0.0.1") as caught:
        await app.build()
    assert caught.value.lines[0].startswith("line 2:")
    assert app.texts() == []


async def test_a_build_past_its_time_is_ended(make_app, settings):
    app = make_app(settings=settings.model_copy(update={"build_timeout_seconds": 3}))
    marker = f"31{int(RUN[:5], 16)}"
    app.write("Dockerfile", f"FROM {BASE}\nRUN echo begun && sleep {marker}\n")
    with pytest.raises(DeploymentFailed, match="longer than 3 seconds") as caught:
        await app.build()
    assert caught.value.code is Code.TIMEOUT
    assert "begun" in caught.value.lines
    await _becomes(marker, running=False)


async def test_a_cancelled_build_is_ended(app):
    marker = f"32{int(RUN[:5], 16)}"
    app.write("Dockerfile", f"FROM {BASE}\nRUN sleep {marker}\n")
    building = asyncio.create_task(app.build())
    await _becomes(marker, running=True)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    await _becomes(marker, running=False)


async def _is_running(marker: str) -> bool:
    words = [_quietly(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    return any(word.startswith(f"sleep\0{marker}".encode()) for word in words)


async def _becomes(marker: str, *, running: bool) -> None:
    for _ in range(100):
        if await _is_running(marker) is running:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the build {'never ran' if running else 'still runs'}")


async def test_old_images_go_but_the_newest_the_used_and_other_apps_stay(make_app):
    app, other = make_app(), make_app()
    kept = await other.build()
    built = []
    for number in range(4):
        app.write("n", str(number))
        built.append(await app.build())
    container = docker("create", "--label", "butler=test", built[0].id, "true").strip()
    try:
        removed = await docker_build.remove_old_images(app.name, app.settings, keep=2)
        assert removed == [built[1].id]
        left = {image.id for image in await images.inspect([image.id for image in built])}
        assert left == {built[0].id, built[2].id, built[3].id}
    finally:
        docker("rm", container)
    assert {image.id for image in built[2:]} | {built[0].id} == set(
        await docker_build.remove_old_images(app.name, app.settings, keep=0)
    )
    assert [image.id for image in await images.inspect([kept.tag])] == [kept.id]


async def test_another_butlers_images_stay(make_app, tmp_path):
    ours = make_app()
    theirs = make_app(settings=ours.settings.model_copy(update={"data_dir": tmp_path / "other"}))
    theirs.name = ours.name
    image = await theirs.build()
    assert await docker_build.remove_old_images(ours.name, ours.settings, keep=0) == []
    assert await images.inspect([image.id])


async def test_labels_written_by_a_user_do_not_pass_an_image_off_as_anothers(make_app):
    victim, app = make_app(), make_app()
    app.write("Dockerfile", f"FROM {BASE}\nLABEL butler.app={victim.name} butler.user=1\n")
    image = await app.build()
    labels = (await images.inspect([image.id]))[0].labels
    assert (labels["app"], labels["user"]) == (app.name, "7")
