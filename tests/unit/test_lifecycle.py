"""Stopping and starting without an engine: what is said to Docker, what is read from it, and what a restart settles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import docker_compose
import docker_run
import env_file
import simple_pipeline
from connection_manager import ConnectionManager, Directory, ReleaseLogs, Viewer
from database import Database
from deploy_jobs import Deed, DeployJobs, Wish
from docker_compose.lifecycle import stop_argv
from docker_compose.running import up_argv
from docker_run import ContainerState, Networks
from docker_run.command import rejoin_argvs
from dockerfile_templates.offers import MOST_NAMES, offered_variables
from domain import Phase, Status
from robust_error_handler import BadRequest, Conflict
from robust_logging import redactor
from settings import Settings
from simple_pipeline import Condition, all_containers, app_state, app_state_among, as_stopped
from tests.fake_pipeline import FakePipeline
from workspace import open_folder

WHEN = datetime(2024, 1, 15, tzinfo=UTC)


def container(name: str, *, service: str = "", status: str = "running", policy: str = "always") -> ContainerState:
    labels = {"com.docker.compose.service": service} if service else {}
    running = status == "running"
    return ContainerState(
        f"id-{name}", name, "sha256:1", status, running, 3, False, 2, 1, WHEN, WHEN, {}, {}, {}, labels, policy
    )


# --- what is said to Docker


def test_a_stack_is_stopped_from_its_final_file() -> None:
    assert stop_argv("p", Path("/d/compose.json")) == [
        *("docker", "compose", "--ansi", "never", "--project-name", "p", "--file", "/d/compose.json"),
        *("--project-directory", "/d", "--env-file", "/dev/null", "stop", "--timeout", "10"),
    ]


def test_a_stack_is_laid_out_without_being_started() -> None:
    argv = up_argv("p", Path("/d/compose.json"), start=False)
    assert "--no-start" in argv and "--detach" not in argv


def test_an_app_s_networks_are_left_and_joined_each() -> None:
    argvs = rejoin_argvs("id-1", "shop", Networks(app="a", user="u", shared="s"))
    assert argvs == [
        ["docker", "network", "disconnect", "--force", "a", "id-1"],
        ["docker", "network", "connect", "--alias", "shop", "a", "id-1"],
        ["docker", "network", "disconnect", "--force", "u", "id-1"],
        ["docker", "network", "connect", "--alias", "shop", "u", "id-1"],
        ["docker", "network", "disconnect", "--force", "s", "id-1"],
        ["docker", "network", "connect", "s", "id-1"],
    ]


# --- what is read from it


def install(patch: pytest.MonkeyPatch, states: list[ContainerState], site: str | None = None) -> None:
    async def listed(_settings: Settings, *, app: str | None = None) -> list[ContainerState]:
        return states

    async def site_of(_name: str, _settings: Settings) -> str | None:
        return site

    patch.setattr(docker_run, "list_containers", listed)
    patch.setattr(docker_compose, "site_of_stack", site_of)


@pytest.mark.parametrize(
    ("status", "condition", "exit_code"),
    [
        ("running", Condition.RUNNING, None),
        ("restarting", Condition.RESTARTING, 3),
        ("exited", Condition.EXITED, 3),
        ("created", Condition.EXITED, 3),
    ],
)
async def test_an_app_stands_as_its_container_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: str, condition: Condition, exit_code: int | None
) -> None:
    install(monkeypatch, [container("shop", status=status), container("shop-next")])
    state = await app_state("shop", Settings(_env_file=None, data_dir=tmp_path))
    assert (state.site.state, state.site.since, state.site.restart_count) == (condition, WHEN, 2)
    assert state.site.exit_code == exit_code


async def test_a_stack_stands_as_its_site_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    states = [container("p-db-1", service="db"), container("p-web-1", service="web", status="exited")]
    install(monkeypatch, states, site="web")
    state = await app_state("shop", Settings(_env_file=None, data_dir=tmp_path))
    assert (state.site.service, state.site.state, state.is_up) == ("web", Condition.EXITED, True)
    stopped = as_stopped(state)
    assert [(one.service, one.state) for one in stopped.services] == [
        ("db", Condition.RUNNING),
        ("web", Condition.STOPPED),
    ]


async def test_many_apps_stand_as_they_do_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    shop, blog = container("shop", status="restarting"), container("blog")
    install(monkeypatch, [shop])
    alone = await app_state("shop", settings)
    shop.labels["butler.app"], blog.labels["butler.app"] = "shop", "blog"  # type: ignore[index]
    install(monkeypatch, [shop, blog])
    seen = await all_containers(settings)
    assert await app_state_among("shop", seen, settings) == alone
    assert (await app_state_among("blog", seen, settings)).site.state is Condition.RUNNING
    assert (await app_state_among("gone", seen, settings)).site.state is Condition.MISSING


async def test_an_app_without_containers_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, [])
    state = await app_state("shop", Settings(_env_file=None, data_dir=tmp_path))
    assert (state.site.state, state.is_up, as_stopped(state).site.state) == (
        Condition.MISSING,
        False,
        Condition.MISSING,
    )


# --- what a repository offers


def test_the_names_of_an_example_are_offered_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("# how to\nA=secret\nexport B = 2\n#C=3\n\nA=again\nnot a line\n1D=x\n")
    (tmp_path / ".env.sample").write_text("LATER=1\n")
    found = offered_variables(open_folder(tmp_path))
    assert [(one.name, one.source) for one in found] == [("A", ".env.example:2"), ("B", ".env.example:3")]
    assert "secret" not in str(found)


def test_what_is_offered_is_bounded_and_may_be_nothing(tmp_path: Path) -> None:
    assert offered_variables(open_folder(tmp_path)) == ()
    (tmp_path / ".env.example").write_text("".join(f"V{number}=\n" for number in range(1000)))
    assert len(offered_variables(open_folder(tmp_path))) == MOST_NAMES


@pytest.mark.parametrize("variables", [{"A-B": "x"}, {"": "x"}, {"A": "\0"}, {"A": "\udc80"}, {"A": "x" * 65_536}])
def test_variables_that_came_otherwise_are_held_to_the_rules_of_files(variables: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        env_file.check(variables, "set")
    env_file.check({"A": "x y\nz", "_b1": ""}, "set")


# --- what a restart of the Butler settles


class House:
    """One Butler without HTTP and without an engine."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(_env_file=None, data_dir=folder)
        self.database = Database(self.settings)
        self.database.migrate()
        self.user = self.database.users.create("ann", email="ann@example.org", hashed_password="x").id
        self.start()

    def start(self) -> None:
        logs = ReleaseLogs(self.settings.log_dir, 2**20, redactor.mask)
        directory = Directory(lambda _token: Viewer(self.user, "ann", 2e9), lambda *_args: None)
        self.jobs = DeployJobs(self.settings, self.database, logs, ConnectionManager(logs, directory))

    async def restart(self) -> None:
        self.start()
        await self.jobs.recover()
        if self.jobs._matching is not None:
            await self.jobs._matching

    async def deployed(self) -> str:
        job = await self.jobs.submit(Wish(self.user, "ann", "https://github.com/user/repo", "trace-1"))
        await job.wait()
        return job.books.container_name

    async def do(self, name: str, deed: Deed) -> None:
        app = self.database.deployments.owned(self.user, name)
        await self.jobs.begin(app, deed, username="ann", trace_id="trace-2")

    def stands(self, name: str) -> tuple[Status, str, bool]:
        app = self.database.deployments.owned(self.user, name)
        return app.status, app.phase, app.stopped_at is not None


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    return FakePipeline().install(monkeypatch)


class Engine:
    """What the comparison with the records asks of the engine."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.containers: list[Any] = []
        self.did: list[str] = []
        patch.setattr(docker_run, "list_containers", self.list)
        for module, name in (
            (docker_run, "stop_and_remove"),
            (docker_run, "start_again"),
            (docker_run, "keep_running"),
            (simple_pipeline, "put_back"),
        ):
            patch.setattr(module, name, self._noting(name))

    async def list(self, _settings: Settings, *, app: str | None = None) -> list[Any]:
        return self.containers

    def _noting(self, what: str) -> Any:
        async def note(name: str, _settings: Settings, **more: object) -> None:
            if what != "stop_and_remove":
                self.did.append(" ".join([what, name, *(f"{key}={value}" for key, value in more.items())]))

        return note


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(monkeypatch)


@pytest.fixture
async def house(tmp_path: Path, pipeline: FakePipeline, engine: Engine) -> AsyncIterator[House]:
    house = House(tmp_path / "data")
    yield house
    await house.jobs.close()
    house.database.close()


async def test_a_stopped_app_stays_stopped_and_its_containers_are_left_alone(
    house: House, engine: Engine, pipeline: FakePipeline
) -> None:
    name = await house.deployed()
    await house.do(name, Deed.STOP)
    await house.restart()
    assert house.stands(name) == (Status.SUCCESS, Phase.STOPPED, True)
    assert (engine.did, pipeline.deeds) == ([f"put_back {name} start=False"], [f"stop {name}"])


async def test_what_runs_of_a_stopped_app_is_stopped_again(house: House, pipeline: FakePipeline) -> None:
    name = await house.deployed()
    await house.do(name, Deed.STOP)
    pipeline.states[name] = Condition.RUNNING
    await house.restart()
    assert pipeline.deeds == [f"stop {name}"] * 2


async def test_a_stop_that_the_end_of_the_process_cut_off_is_carried_out(house: House, pipeline: FakePipeline) -> None:
    name = await house.deployed()
    app = house.database.deployments.owned(house.user, name)
    house.database.deployments.update(app.id, stopped_at=WHEN)
    await house.restart()
    assert house.stands(name) == (Status.SUCCESS, Phase.STOPPED, True) and pipeline.deeds == [f"stop {name}"]


@pytest.mark.parametrize(("running", "done"), [(False, "start_again id-x"), (True, "keep_running id-x")])
async def test_a_restart_that_was_cut_off_ends_with_the_app_running_for_good(
    house: House, engine: Engine, running: bool, done: str
) -> None:
    name = await house.deployed()
    labels = {"butler.app": name}
    engine.containers = [SimpleNamespace(id="id-x", name=name, labels=labels, running=running, restart_policy="no")]
    app = house.database.deployments.owned(house.user, name)
    house.database.deployments.move(app.id, Status.STARTING, Phase.QUEUED)
    await house.restart()
    assert house.stands(name) == (Status.SUCCESS, Phase.LIVE, False)
    assert engine.did == [f"put_back {name} start=True", done]


async def test_an_app_that_is_half_destroyed_is_only_destroyed(house: House) -> None:
    name = await house.deployed()
    app = house.database.deployments.owned(house.user, name)
    house.database.deployments.move(app.id, Status.SUCCESS, Phase.DELETING)
    with pytest.raises(Conflict, match="half destroyed"):
        await house.do(name, Deed.START)


async def test_deeds_on_one_app_follow_one_another(house: House, pipeline: FakePipeline) -> None:
    name = await house.deployed()
    app = house.database.deployments.owned(house.user, name)
    tasks = [
        house.jobs.begin(app, deed, username="ann", trace_id="t")
        for deed in (Deed.STOP, Deed.STOP, Deed.START, Deed.START)
    ]
    assert [(await task).changed for task in tasks] == [True, False, True, False]
    assert pipeline.deeds == [f"stop {name}", f"start {name}"]
