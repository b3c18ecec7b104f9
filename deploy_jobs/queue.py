"""Accepting, running, cancelling and ending deployments; each app's jobs run one after another."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import simple_pipeline
from connection_manager import ConnectionManager, ReleaseLogs
from database import Database, Deployment, Environment, Release
from deploy_jobs.bookkeeping import Bookkeeping, Office
from deploy_jobs.failures import being_deployed, closing, masked, secrets_of, unknown
from deploy_jobs.job import Job, earlier_job
from deploy_jobs.lifecycle import Deed, Done, Lifecycle
from deploy_jobs.recovery import match_engine, settle_records
from deploy_jobs.wishes import Wish
from domain import DeployRequest, Event, EventKind, Phase, Status, Trigger
from robust_error_handler import ButlerError, Code, Conflict, DeploymentFailed
from robust_logging import audit, bind, redactor
from settings import Settings
from workspace import container_name_for, parse_git_url

log = logging.getLogger(__name__)

MOST_QUEUED_FOR_ONE_APP = 5
_SHUTDOWN_SECONDS = 30.0


class DeployJobs:
    """All deployments of one Butler."""

    def __init__(
        self, settings: Settings, database: Database, logs: ReleaseLogs, connections: ConnectionManager
    ) -> None:
        writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="books")
        self._office = Office(settings, database, logs, connections, writer)
        self._slots = asyncio.Semaphore(settings.max_concurrent_builds)
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._jobs: dict[int, Job] = {}
        self._leaving: set[str] = set()
        self._entering = asyncio.Lock()
        self._closing = False
        self._matching: asyncio.Task[None] | None = None
        self._lifecycle = Lifecycle(self._office, self._locks, self._refuse_if_occupied)

    async def recover(self) -> None:
        """Settle what an earlier process left on record, then, without keeping anybody waiting, the engine."""
        await settle_records(self._office)
        matching = match_engine(self._office, self._locks)
        self._matching = asyncio.create_task(matching, name="match the engine with the records")

    @property
    def running(self) -> int:
        """How many deployments wait or run."""
        return len(self._jobs)

    async def submit(self, wish: Wish) -> Job:
        """Put a wish on record and in the queue; one whose key came before gives the release of that time.

        Raises NotFound (no such app of this user), Conflict (too many waiting, or being destroyed), BadRequest.
        """
        if self._closing:
            raise closing()
        async with self._entering:
            earlier = await self._asked_before(wish)
            if earlier is not None:
                return earlier
            if wish.name is not None:
                await asyncio.to_thread(self._office.database.deployments.owned, wish.user_id, wish.name)
                self._refuse_if_busy(wish.name)
            app, release = await asyncio.to_thread(self._enter, wish)
            self._refuse_if_leaving(app.container_name)
            books = Bookkeeping(
                self._office, wish.user_id, app.id, app.container_name, release.id, release.number, wish.trace_id
            )
            job = Job(books, wish.username)
            self._jobs[release.id] = job
        self._office.connections.begin(wish.user_id, app.container_name, release.id)
        books.announce()
        audit("deploy", deployment=app.container_name, release=release.number, git_url=app.git_url)
        job.task = asyncio.create_task(self._run(job), name=f"deploy {app.container_name} #{release.number}")
        return job

    async def redeploy(self, app: Deployment, *, username: str, trace_id: str, key: str | None = None) -> Job:
        """Deploy an app again as it is on record. A release that still waits and would do the same is joined."""
        name = app.container_name
        wish = Wish(app.user_id, username, app.git_url, trace_id, name=name, trigger=Trigger.REDEPLOY, key=key)
        async with self._entering:
            joined = await self._asked_before(wish) or await self._waiting_alike(wish, app)
        return joined or await self.submit(wish)

    def begin(self, app: Deployment, deed: Deed, *, username: str, trace_id: str) -> asyncio.Task[Done]:
        """Stop, start or restart an app; the task tells what came of it.

        Raises Conflict for one that is being deployed or destroyed, or was never live.
        """
        return self._lifecycle.begin(app, deed, username=username, trace_id=trace_id)

    def of_app(self, container_name: str) -> list[Job]:
        """The app's jobs that have not ended, oldest first."""
        return [job for job in self._jobs.values() if job.books.container_name == container_name]

    async def cancel(self, container_name: str, code: Code = Code.CANCELLED) -> int:
        """End the app's deployments and wait until nothing of them runs; how many there were."""
        jobs = self.of_app(container_name)
        for job in jobs:
            job.stop(code)
        for job in jobs:
            await job.wait()
        return len(jobs)

    async def destroy(self, app: Deployment) -> None:
        """Cancel what the app is doing, remove all of it from the engine, then forget it."""
        name = app.container_name
        if name in self._leaving:
            raise Conflict(f"{name} is being destroyed already.", "Wait a moment and look again.")
        self._leaving.add(name)
        try:
            await self.cancel(name)
            await self._lifecycle.cancel(name)
            async with self._locks[name]:
                await asyncio.to_thread(self._mark_leaving, app.id)
                await simple_pipeline.destroy_deployment(name, app.user_id, self._office.settings)
                await asyncio.to_thread(self._forget, app.id)
            self._locks.pop(name, None)
        finally:
            self._leaving.discard(name)
        audit("destroy", deployment=name)
        self._office.connections.announce(app.user_id, {"deployment": name, "status": "destroyed", "phase": "gone"})

    async def close(self) -> None:
        """End every deployment and write down that it was interrupted."""
        self._closing = True
        jobs = list(self._jobs.values())
        for job in jobs:
            job.stop(Code.INTERRUPTED)
        tasks = [job.task for job in jobs if job.task is not None]
        if self._matching is not None:
            self._matching.cancel()
            tasks.append(self._matching)
        await self._lifecycle.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_SHUTDOWN_SECONDS)
        await asyncio.to_thread(self._office.writer.shutdown)

    def _refuse_if_busy(self, name: str) -> None:
        self._refuse_if_leaving(name)
        if len(self.of_app(name)) >= MOST_QUEUED_FOR_ONE_APP:
            raise Conflict(
                f"{name} has {MOST_QUEUED_FOR_ONE_APP} deployments waiting already.",
                f"Wait for one to end, or cancel with `POST /deployments/{name}/cancel`.",
            )

    def _refuse_if_occupied(self, name: str) -> None:
        if self._closing:
            raise closing()
        self._refuse_if_leaving(name)
        if self.of_app(name):
            raise being_deployed(name)

    def _does_the_same(self, job: Job, deployment_id: int) -> bool:
        """Whether a release that waits is what a new one would be: nothing was edited since."""
        app = self._office.database.deployments.by_id(deployment_id)
        release = self._office.database.releases.by_id(job.books.release_id)
        same = ("git_url", "branch", "subdirectory", "backend_env", "frontend_env", "overrides")
        return all(getattr(app, name) == getattr(release, name) for name in same)

    async def _asked_before(self, wish: Wish) -> Job | None:
        """The release that the wish's key stands for, on its way or ended. Raises as `earlier_job` does."""
        key = wish.request_key()
        if key is None:
            return None
        return await earlier_job(self._office, key, self._jobs)

    async def _waiting_alike(self, wish: Wish, app: Deployment) -> Job | None:
        """A release of the app that waits and would do the same; the wish's key stands for it from now on."""
        key = wish.request_key()
        for job in self.of_app(app.container_name):
            if job.has_begun or not await asyncio.to_thread(self._does_the_same, job, app.id) or job.has_begun:
                continue
            if key is not None:
                await asyncio.to_thread(self._office.database.keys.keep, key, job.books.release_id)
            return job
        return None

    def _refuse_if_leaving(self, name: str) -> None:
        if name in self._leaving:
            raise Conflict(f"{name} is being destroyed.", "Deploy without `name` to make a new app.")

    def _enter(self, wish: Wish) -> tuple[Deployment, Release]:
        deployments = self._office.database.deployments
        address = parse_git_url(wish.git_url, self._office.settings)
        if wish.name is None:
            app = deployments.create(
                wish.user_id,
                container_name=container_name_for(address),
                git_url=address.url,
                branch=wish.branch or address.branch_hint,
                subdirectory=wish.subdirectory or address.subdirectory_hint,
                environment=Environment(wish.backend_env or {}, wish.frontend_env or {}),
                overrides=wish.overrides,
                trace_id=wish.trace_id,
            )
        else:
            app = self._change_app(deployments.owned(wish.user_id, wish.name), address.url, wish)
        return app, self._office.database.releases.create(
            app.id, trace_id=wish.trace_id, trigger=wish.trigger, key=wish.request_key()
        )

    def _change_app(self, app: Deployment, git_url: str, wish: Wish) -> Deployment:
        deployments = self._office.database.deployments
        if app.phase == Phase.DELETING:
            raise Conflict(f"{app.container_name} is being destroyed.", "Deploy without `name` to make a new app.")
        if wish.backend_env is not None or wish.frontend_env is not None:
            kept = deployments.environment(app.id)
            deployments.set_environment(
                app.id,
                Environment(
                    kept.backend if wish.backend_env is None else wish.backend_env,
                    kept.frontend if wish.frontend_env is None else wish.frontend_env,
                ),
            )
        return deployments.move(
            app.id,
            Status.STARTING,
            Phase.QUEUED,
            git_url=git_url,
            branch=wish.branch or app.branch,
            subdirectory=wish.subdirectory or app.subdirectory,
            overrides=app.overrides if wish.overrides is None else dict(wish.overrides) or None,
        )

    async def _run(self, job: Job) -> None:
        books = job.books
        with bind(trace_id=books.trace_id, user=job.username, deployment=books.container_name), ExitStack() as stack:
            try:
                job.url = await self._in_turn(job, stack)
            except asyncio.CancelledError:
                job.error = _ended(job.cancel_code)
            except ButlerError as error:
                job.error = masked(error)
            except Exception:
                log.exception("a deployment ended in an unknown error")
                job.error = unknown(books.trace_id)
            job.is_ending = True
            await self._write_down(job)

    async def _write_down(self, job: Job) -> None:
        """Record how a job ended. What is live on record stays so, whatever came after that."""
        books = job.books
        try:
            if job.error is not None and books.recorded is not None:
                log.warning("a deployment was ended after it had gone live: %s", job.error)
                job.error, job.url = None, books.recorded.container.url
            if job.error is not None:
                await books.fail(job.error)
        except Exception:
            log.exception("the end of a deployment could not be recorded")
        finally:
            self._jobs.pop(books.release_id, None)
            books.close()

    async def _in_turn(self, job: Job, stack: ExitStack) -> str | None:
        """Wait for the app's turn and for a free place, then deploy; returns the address.

        Nothing is awaited before the turn: the order of asking is the order of deploying. The release's secrets stay
        hidden until `stack` ends.
        """
        books = job.books
        lock = self._locks[books.container_name]
        if self._slots.locked() or lock.locked():
            books.emit(Event(EventKind.NOTE, None, "Waiting for another deployment to end."))
        async with lock, self._slots:
            job.has_begun = True
            request = await asyncio.to_thread(self._request_of, books)
            stack.enter_context(redactor.hiding(_secrets_of(request)))
            outcome = await simple_pipeline.run_deployment_pipeline(
                request, books.emit, settings=self._office.settings, ledger=books
            )
            url = outcome.container.url
            books.emit(Event(EventKind.DONE, None, f"Live at {url}" if url else "It runs.", detail={"url": url}))
            return url

    def _request_of(self, books: Bookkeeping) -> DeployRequest:
        release = self._office.database.releases.by_id(books.release_id)
        environment = self._office.database.releases.environment(books.release_id)
        return DeployRequest(
            git_url=release.git_url,
            container_name=books.container_name,
            user_id=books.user_id,
            trace_id=books.trace_id,
            release_number=books.number,
            branch=release.branch,
            subdirectory=release.subdirectory,
            backend_env=environment.backend,
            frontend_env=environment.frontend,
            overrides=release.overrides,
            github_token=self._office.database.users.github_token(books.user_id),
        )

    def _mark_leaving(self, deployment_id: int) -> None:
        row = self._office.database.deployments.by_id(deployment_id)
        self._office.database.deployments.move(deployment_id, row.status, Phase.DELETING)

    def _forget(self, deployment_id: int) -> None:
        releases, _total = self._office.database.releases.list(deployment_id, limit=10_000)
        self._office.database.deployments.delete(deployment_id)
        for release in releases:
            self._office.logs.delete(release.id)


def _secrets_of(request: DeployRequest) -> list[str]:
    return secrets_of(Environment(request.backend_env, request.frontend_env), request.github_token)


def _ended(code: Code) -> ButlerError:
    if code is Code.CANCELLED:
        return DeploymentFailed(code, "The deployment was cancelled.", "Deploy again whenever you like.")
    return DeploymentFailed(
        Code.INTERRUPTED, "The Butler was stopped while this deployment ran.", "Deploy again: nothing is half done."
    )
