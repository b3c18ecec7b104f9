"""The queue of deployments with a pipeline that deploys nothing: turns, limits, ends, restarts, secrets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import docker_compose
import docker_run
import simple_pipeline
from connection_manager import ConnectionManager, Directory, ReleaseLogs, Viewer
from database import Database, Deployment, Release
from deploy_jobs import DeployJobs, Job, Wish
from deploy_jobs.queue import MOST_QUEUED_FOR_ONE_APP
from domain import Phase, Stage, Status
from robust_error_handler import BadRequest, ButlerError, Code, Conflict, DeploymentFailed, NotFound
from robust_logging import redactor
from settings import Settings
from tests.fake_pipeline import FakePipeline

URL = "https://github.com/user/repo"
SECRET = "very-secret-value"


class Engine:
    """What the engine is asked for when it is compared with the records."""

    def __init__(self) -> None:
        self.containers: list[SimpleNamespace] = []
        self.downed: list[str] = []
        self.stopped: list[str] = []
        self.put_back: list[str] = []
        self.started: list[str] = []

    def container(self, app: str, *, running: bool = True, user: int = 1) -> None:
        labels = {"butler.app": app, "butler.user": str(user)}
        self.containers.append(
            SimpleNamespace(id=f"id-{app}", name=app, labels=labels, running=running, restart_policy="unless-stopped")
        )

    def install(self, patch: pytest.MonkeyPatch) -> Engine:
        patch.setattr(docker_run, "list_containers", self.list)
        patch.setattr(docker_run, "stop_and_remove", self._noting(self.stopped))
        patch.setattr(docker_run, "start_again", self._noting(self.started))
        patch.setattr(docker_compose, "down", self._noting(self.downed))
        patch.setattr(simple_pipeline, "put_back", self._noting(self.put_back))
        return self

    async def list(self, _settings: Settings, *, app: str | None = None) -> list[SimpleNamespace]:
        return [one for one in self.containers if app in (None, one.labels["butler.app"])]

    @staticmethod
    def _noting(notes: list[str]) -> Callable[..., Any]:
        async def note(name: str, *_args: object, **_more: object) -> None:
            notes.append(name)

        return note


class House:
    """One Butler without HTTP; `restart` is what happens when its process ends and another one begins."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(_env_file=None, data_dir=folder)
        self.database = Database(self.settings)
        self.database.migrate()
        self.user = self.database.users.create("ann", email="ann@example.org", hashed_password="x").id
        self.start()

    def start(self) -> None:
        self.logs = ReleaseLogs(self.settings.log_dir, 2**20, redactor.mask)
        directory = Directory(lambda _token: Viewer(self.user, "ann", 2e9), lambda *_args: None)
        self.connections = ConnectionManager(self.logs, directory)
        self.jobs = DeployJobs(self.settings, self.database, self.logs, self.connections)

    async def restart(self) -> None:
        self.start()
        await self.jobs.recover()
        if self.jobs._matching is not None:
            await self.jobs._matching

    async def deploy(self, name: str | None = None, **more: Any) -> Job:
        return await self.jobs.submit(Wish(self.user, "ann", URL, "trace-1", name, **more))

    async def deployed(self, name: str | None = None, **more: Any) -> str:
        job = await self.deploy(name, **more)
        await job.wait()
        return job.books.container_name

    def app(self, name: str) -> Deployment:
        return self.database.deployments.owned(self.user, name)

    def release(self, job: Job) -> Release:
        return self.database.releases.by_id(job.books.release_id)

    def log(self, job: Job) -> str:
        return "\n".join(str(event) for event in self.logs.read(job.books.release_id))


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    return FakePipeline().install(monkeypatch)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine().install(monkeypatch)


@pytest.fixture
async def house(tmp_path: Path, pipeline: FakePipeline, engine: Engine) -> AsyncIterator[House]:
    house = House(tmp_path / "data")
    yield house
    pipeline.held = False
    await house.jobs.close()
    house.database.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def fails(code: Code = Code.BUILD_FAILED, *lines: str) -> Callable[[], Exception]:
    return lambda: DeploymentFailed(code, "It failed.", "Do better.", lines)


# --- turns and limits


async def test_what_succeeds_is_live_on_record(house: House):
    job = await house.deploy()
    await job.wait()
    app, release = house.app(job.books.container_name), house.release(job)
    assert (app.status, app.phase, app.deployed_url) == (Status.SUCCESS, Phase.LIVE, job.url)
    assert (release.status, app.current_release_id) == (Status.SUCCESS, release.id)
    assert (release.trace_id, release.finished_at is not None) == ("trace-1", True)
    assert "Live at http://localhost:" in house.log(job) and not house.logs.is_open(release.id)


async def test_releases_of_one_app_run_one_after_another(house: House, pipeline: FakePipeline):
    name = await house.deployed()
    jobs = [await house.deploy(name) for _ in range(3)]
    for job in jobs:
        await job.wait()
    assert pipeline.most_at_once == 1
    assert [request.release_number for request in pipeline.requests] == [1, 2, 3, 4]


async def test_only_so_many_deployments_run_at_once(house: House, pipeline: FakePipeline):
    pipeline.held = True
    jobs = [await house.deploy() for _ in range(5)]
    await until(lambda: len(pipeline.running) == 2)
    await asyncio.sleep(0.05)
    assert len(pipeline.running) == house.settings.max_concurrent_builds == 2 and house.jobs.running == 5
    assert "Waiting for another deployment to end." in house.log(jobs[4])
    pipeline.held = False
    for job in jobs:
        await job.wait()
    assert pipeline.most_at_once == 2 and len(pipeline.ended) == 5 and house.jobs.running == 0


async def test_one_app_s_queue_is_limited(house: House, pipeline: FakePipeline):
    name = await house.deployed()
    pipeline.held = True
    for _ in range(MOST_QUEUED_FOR_ONE_APP):
        await house.deploy(name)
    with pytest.raises(Conflict):
        await house.deploy(name)
    await house.deploy()


async def test_an_app_that_waits_does_not_hold_up_others(house: House, pipeline: FakePipeline):
    name = await house.deployed()
    pipeline.held = True
    same = [await house.deploy(name) for _ in range(2)]
    other = await house.deploy()
    await until(lambda: len(pipeline.running) == 2)
    assert sorted(pipeline.running) == sorted([name, other.books.container_name])
    pipeline.held = False
    for job in (*same, other):
        await job.wait()


async def test_what_cannot_be_deployed_leaves_nothing_behind(house: House, pipeline: FakePipeline):
    with pytest.raises(NotFound):
        await house.deploy("never-was")
    with pytest.raises(BadRequest):
        await house.jobs.submit(Wish(house.user, "ann", "file:///etc", "t"))
    assert house.jobs.running == 0 and house.database.deployments.all() == []


async def test_simultaneous_wishes_for_one_app_run_in_the_order_of_their_numbers(house: House, pipeline: FakePipeline):
    name = await house.deployed()
    pipeline.held = True
    attempts = await asyncio.gather(*(house.deploy(name) for _ in range(7)), return_exceptions=True)
    jobs = [one for one in attempts if isinstance(one, Job)]
    assert len(jobs) == MOST_QUEUED_FOR_ONE_APP
    pipeline.held = False
    for job in jobs:
        await job.wait()
    assert [request.release_number for request in pipeline.requests] == [1, 2, 3, 4, 5, 6]


async def test_nobody_learns_that_somebody_else_s_app_is_busy(house: House, pipeline: FakePipeline):
    name = await house.deployed()
    pipeline.held = True
    for _ in range(MOST_QUEUED_FOR_ONE_APP):
        await house.deploy(name)
    other = house.database.users.create("bob", email="bob@example.org", hashed_password="x").id
    with pytest.raises(NotFound):
        await house.jobs.submit(Wish(other, "bob", URL, "trace-2", name))


# --- ends


async def test_a_cancelled_deployment_ends_and_frees_its_place(house: House, pipeline: FakePipeline):
    pipeline.held = True
    job = await house.deploy()
    name = job.books.container_name
    await until(lambda: pipeline.running == [name])
    assert await house.jobs.cancel(name) == 1
    assert pipeline.cancelled == [name] and job.error is not None and job.error.code is Code.CANCELLED
    app = house.app(name)
    assert (app.status, app.phase, app.error_code) == (Status.FAILED, Phase.FAILED, "cancelled")
    assert house.release(job).status is Status.FAILED and house.jobs.running == 0
    pipeline.held = False
    assert house.app(await house.deployed()).status is Status.SUCCESS
    assert await house.jobs.cancel(name) == 0


async def test_what_waits_can_be_cancelled_before_it_begins(house: House, pipeline: FakePipeline):
    pipeline.held = True
    running = [await house.deploy() for _ in range(2)]
    waiting = await house.deploy()
    await until(lambda: len(pipeline.running) == 2)
    await house.jobs.cancel(waiting.books.container_name)
    assert waiting.error is not None and waiting.error.code is Code.CANCELLED
    assert waiting.books.container_name not in pipeline.ended and len(pipeline.running) == 2
    pipeline.held = False
    for job in running:
        await job.wait()
        assert job.error is None


async def test_what_is_cancelled_before_its_first_step_is_on_record_as_well(house: House, pipeline: FakePipeline):
    job = await house.deploy()
    job.stop(Code.CANCELLED)
    job.stop(Code.INTERRUPTED)
    await job.wait()
    assert house.release(job).error_code == "cancelled" and house.jobs.running == 0 and pipeline.requests == []


async def test_cancelling_twice_ends_it_once(house: House, pipeline: FakePipeline):
    pipeline.held = True
    job = await house.deploy()
    await until(lambda: len(pipeline.running) == 1)
    name = job.books.container_name
    await asyncio.gather(house.jobs.cancel(name), house.jobs.cancel(name), house.jobs.destroy(house.app(name)))
    assert job.error is not None and job.error.code is Code.CANCELLED
    assert house.database.deployments.by_name(name) is None


async def test_a_redeployment_that_is_cancelled_leaves_the_app_live(house: House, pipeline: FakePipeline):
    name = await house.deployed()
    before = house.app(name)
    pipeline.held = True
    await house.deploy(name)
    await until(lambda: pipeline.running == [name])
    await house.jobs.cancel(name)
    after = house.app(name)
    assert (after.status, after.phase, after.deployed_url) == (Status.SUCCESS, Phase.LIVE, before.deployed_url)
    assert (after.current_release_id, after.error_code) == (before.current_release_id, "cancelled")


async def test_what_has_gone_live_stays_so_when_it_is_cancelled_a_moment_later(
    house: House, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
):
    async def run(request: Any, emit: Any, *, settings: Settings, ledger: Any) -> Any:
        outcome = await pipeline.run(request, emit, settings=settings, ledger=ledger)
        live.set()
        await asyncio.sleep(30)
        return outcome

    live = asyncio.Event()
    monkeypatch.setattr(simple_pipeline, "run_deployment_pipeline", run)
    job = await house.deploy()
    await live.wait()
    await house.jobs.cancel(job.books.container_name)
    app = house.app(job.books.container_name)
    assert (job.error, job.url, app.status, app.error_code) == (None, app.deployed_url, Status.SUCCESS, None)


async def test_whoever_stops_waiting_does_not_stop_the_deployment(house: House, pipeline: FakePipeline):
    pipeline.held = True
    job = await house.deploy()
    waiting = asyncio.create_task(job.wait())
    await until(lambda: len(pipeline.running) == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    pipeline.held = False
    await job.wait()
    assert pipeline.cancelled == [] and house.release(job).status is Status.SUCCESS


async def test_a_failure_is_recorded_with_its_cause_and_the_port_goes_back(house: House, pipeline: FakePipeline):
    pipeline.failure = fails(Code.BUILD_FAILED, "npm error")
    job = await house.deploy()
    await job.wait()
    name, release = job.books.container_name, house.release(job)
    assert (release.error_code, release.error_message, release.error_lines) == (
        "build-failed",
        "It failed.",
        ["npm error"],
    )
    assert [(step["stage"], step["state"]) for step in release.steps] == [("clone", "done"), ("build", "failed")]
    assert house.app(name).phase == Phase.FAILED and not house.database.ports.of(name)
    told = [(event["kind"], event["text"]) for event in house.logs.read(release.id)][-2:]
    assert [kind for kind, _ in told] == ["stage-failed", "failure"]
    assert told[0][1].startswith("Building the image: failed after ") and told[1][1] == "It failed."


async def test_an_unknown_exception_is_recorded_with_a_trace_id_and_told_to_the_operator(
    house: House, pipeline: FakePipeline, caplog: pytest.LogCaptureFixture
):
    pipeline.failure = lambda: ZeroDivisionError("inner workings")
    job = await house.deploy()
    await job.wait()
    release = house.release(job)
    assert (release.status, release.error_code) == (Status.FAILED, "internal")
    assert "trace-1" in (release.error_hint or "") and "inner workings" not in house.log(job)
    assert "inner workings" in caplog.text
    pipeline.failure = None
    assert house.app(await house.deployed()).status is Status.SUCCESS


async def test_a_record_that_cannot_be_written_ends_the_job_all_the_same(
    house: House, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(*_args: object, **_more: object) -> None:
        raise ButlerError("The storage is full.", "", Code.STORAGE, 503)

    monkeypatch.setattr(house.database.releases, "finish", full)
    job = await house.deploy()
    await job.wait()
    assert job.error is not None and job.error.code is Code.STORAGE
    assert house.jobs.running == 0 and not house.logs.is_open(job.books.release_id)
    assert "could not be recorded" in caplog.text


# --- destroying


async def test_destroying_while_it_deploys_ends_that_first(house: House, pipeline: FakePipeline):
    pipeline.held = True
    job = await house.deploy()
    name = job.books.container_name
    await until(lambda: pipeline.running == [name])
    await house.jobs.destroy(house.app(name))
    assert pipeline.cancelled == pipeline.destroyed == [name]
    assert house.database.deployments.by_name(name) is None
    assert not (house.settings.log_dir / f"{job.books.release_id}.ndjson").exists()


async def test_what_is_being_destroyed_is_neither_deployed_nor_destroyed_again(
    house: House, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
):
    name = await house.deployed()
    app, gate = house.app(name), asyncio.Event()

    async def slowly(container_name: str, *_args: object) -> None:
        await gate.wait()
        pipeline.destroyed.append(container_name)

    monkeypatch.setattr(simple_pipeline, "destroy_deployment", slowly)
    destroying = asyncio.create_task(house.jobs.destroy(app))
    await until(lambda: house.app(name).phase == Phase.DELETING)
    for attempt in (house.deploy(name), house.jobs.destroy(app)):
        with pytest.raises(Conflict):
            await attempt
    gate.set()
    await destroying
    with pytest.raises(NotFound):
        await house.deploy(name)
    assert pipeline.destroyed == [name]


async def test_where_destroying_fails_the_app_stays_on_record_and_it_can_be_tried_again(
    house: House, pipeline: FakePipeline
):
    name = await house.deployed()
    pipeline.destroy_failure = fails(Code.DOCKER_DOWN)
    with pytest.raises(DeploymentFailed):
        await house.jobs.destroy(house.app(name))
    assert house.app(name).phase == Phase.DELETING
    with pytest.raises(Conflict):
        await house.deploy(name)
    pipeline.destroy_failure = None
    await house.jobs.destroy(house.app(name))
    assert house.database.deployments.by_name(name) is None


# --- stopping and starting the server


async def test_a_server_that_stops_ends_what_runs_and_what_waits(house: House, pipeline: FakePipeline):
    pipeline.held = True
    jobs = [await house.deploy() for _ in range(4)]
    await until(lambda: len(pipeline.running) == 2)
    await house.jobs.close()
    assert [house.release(job).error_code for job in jobs] == ["interrupted"] * 4
    assert pipeline.running == [] and house.jobs.running == 0
    with pytest.raises(ButlerError) as refusal:
        await house.deploy()
    assert refusal.value.status == 503


async def test_after_a_restart_what_was_under_way_has_failed(house: House, pipeline: FakePipeline, engine: Engine):
    deployments, releases = house.database.deployments, house.database.releases
    row = deployments.create(house.user, container_name="cut-off", git_url=URL)
    release = releases.create(row.id)
    releases.advance(release.id, Stage.BUILD, {"steps": [{"stage": "build", "seconds": None, "state": "running"}]})
    deployments.move(row.id, Status.STARTING, Stage.BUILD)
    await house.restart()
    app = house.app("cut-off")
    assert (app.status, app.phase, app.error_code) == (Status.FAILED, Phase.FAILED, "interrupted")
    assert (releases.by_id(release.id).status, releases.unfinished()) == (Status.FAILED, [])
    assert house.logs.read(release.id)[-1]["kind"] == "failure"
    assert engine.downed == ["cut-off"]


async def test_after_a_restart_a_repeated_request_is_told_that_the_first_was_interrupted(
    house: House, pipeline: FakePipeline
):
    pipeline.held = True
    first = await house.deploy(key="k")
    await house.jobs.close()
    pipeline.held = False
    await house.restart()
    again = await house.deploy(key="k")
    await again.wait()
    assert again.is_repeat and again.books.release_id == first.books.release_id
    assert again.error is not None and (again.error.code, again.error.status) == (Code.INTERRUPTED, 422)
    assert len(house.database.deployments.all()) == 1


async def test_a_wish_with_a_key_is_the_same_wish_only_with_the_same_content(house: House):
    wishes = [
        Wish(house.user, "ann", URL, "t1", key="k", overrides={"run": {"port": 1}, "release": "x"}),
        Wish(house.user, "ann", URL, "t2", key="k", overrides={"release": "x", "run": {"port": 1}}),
    ]
    assert wishes[0].request_key() == wishes[1].request_key(), "the order of keys says nothing"
    assert Wish(house.user, "ann", URL, "t1").request_key() is None
    empty = Wish(house.user, "ann", URL, "t1", key="k", overrides={}).request_key()
    assert empty != Wish(house.user, "ann", URL, "t1", key="k").request_key(), "clearing is no keeping"


async def test_after_a_restart_an_app_with_a_live_release_is_live(house: House, engine: Engine):
    name = await house.deployed()
    url = house.app(name).deployed_url
    release = house.database.releases.create(house.app(name).id)
    house.database.deployments.move(house.app(name).id, Status.STARTING, Stage.CLONE)
    engine.container(name, running=False)
    await house.restart()
    app = house.app(name)
    assert (app.status, app.phase, app.deployed_url) == (Status.SUCCESS, Phase.LIVE, url)
    assert house.database.releases.by_id(release.id).error_code == "interrupted"
    assert (engine.stopped, engine.put_back, engine.started) == ([f"{name}-next"], [name], [f"id-{name}"])
    assert engine.downed == []


async def test_after_a_restart_a_queued_app_without_a_release_has_failed(house: House):
    house.database.deployments.create(house.user, container_name="only-queued", git_url=URL)
    await house.restart()
    assert house.app("only-queued").status is Status.FAILED


async def test_after_a_restart_a_destruction_that_was_begun_is_finished(house: House, pipeline: FakePipeline):
    name = await house.deployed()
    pipeline.destroy_failure = fails(Code.DOCKER_DOWN)
    with pytest.raises(DeploymentFailed):
        await house.jobs.destroy(house.app(name))
    pipeline.destroy_failure = None
    await house.restart()
    assert pipeline.destroyed == [name] and house.database.deployments.all() == []


async def test_after_a_restart_containers_on_no_record_are_removed_and_others_stay(
    house: House, pipeline: FakePipeline, engine: Engine
):
    name = await house.deployed()
    engine.container(name)
    engine.container("stranger", user=7)
    await house.restart()
    assert pipeline.destroyed == ["stranger"] and engine.started == []


async def test_what_is_deployed_while_the_engine_is_compared_is_left_alone(
    house: House, pipeline: FakePipeline, engine: Engine
):
    pipeline.failure = fails()
    name = await house.deployed()
    pipeline.failure, pipeline.held = None, True
    house.start()
    redeploy = await house.deploy(name)
    await until(lambda: pipeline.running == [name])
    house.jobs._matching = matching = asyncio.create_task(_match(house))
    await asyncio.sleep(0.05)
    assert engine.downed == [] and not matching.done()
    pipeline.held = False
    await redeploy.wait()
    await matching
    assert engine.downed == [] and house.app(name).status is Status.SUCCESS


async def _match(house: House) -> None:
    from deploy_jobs.recovery import match_engine

    await match_engine(house.jobs._office, house.jobs._locks)


async def test_a_server_starts_without_an_engine(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    name = await house.deployed()

    async def down(*_args: object, **_more: object) -> None:
        raise DeploymentFailed(Code.DOCKER_DOWN, "Docker is not answering.", "Start it.")

    monkeypatch.setattr(docker_run, "list_containers", down)
    await house.restart()
    assert house.app(name).status is Status.SUCCESS and "Docker is not answering" in caplog.text


# --- secrets


async def test_secrets_of_the_environment_are_in_no_record_and_no_log(
    house: House, pipeline: FakePipeline, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    pipeline.says = (f"KEY={SECRET}", "listening on 3000", "in production")
    pipeline.failure = lambda: DeploymentFailed(Code.BUILD_FAILED, f"No {SECRET}", f"Not {SECRET}", [f"> {SECRET}"])
    env = {"KEY": SECRET, "PORT": "3000", "MODE": "production"}
    job = await house.deploy(backend_env=env, frontend_env={"VITE_KEY": f"{SECRET}-2"})
    await job.wait()
    release, app = house.release(job), house.app(job.books.container_name)
    assert (release.error_message, release.error_hint, release.error_lines) == ("No ***", "Not ***", ["> ***"])
    assert app.error_message == "No ***"
    log = house.log(job)
    assert SECRET not in log and "KEY=***" in log and "listening on 3000" in log and "in production" in log
    assert SECRET not in (house.settings.log_dir / f"{job.books.release_id}.ndjson").read_text()
    stored = (house.settings.data_dir / "deployments.db").read_bytes()
    stored += (house.settings.data_dir / "deployments.db-wal").read_bytes()
    assert SECRET.encode() not in stored
    assert redactor.mask(SECRET) == SECRET  # hidden only while it was in use


async def test_the_github_token_reaches_the_pipeline_and_no_log(house: House, pipeline: FakePipeline):
    from domain import Secret

    token = "ghp_" + "a1b2c3" * 6
    house.database.users.set_github_token(house.user, Secret(token))
    pipeline.says = (f"fetching with {token}",)
    job = await house.deploy()
    await job.wait()
    [request] = pipeline.requests
    assert request.github_token is not None and request.github_token.reveal() == token
    assert token not in house.log(job) and token not in repr(request)
