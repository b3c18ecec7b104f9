"""Fetching from a Git host: checked, held to the checked address, tried again where the network is at fault."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import stamina

import shell
from domain import Emit, Event, EventKind, Secret, Stage
from robust_error_handler import CommandFailed, DeploymentFailed
from settings import Settings
from workspace.contents import MEBIBYTE
from workspace.git_address import GitAddress, parse_git_url
from workspace.git_command import Remote, branches_argv, clone_argv, git_environment, token_for, web_origin
from workspace.git_errors import AccessDenied, Redirected, TransientFailure, explain, private_or_missing
from workspace.hosts import checked_addresses
from workspace.redirects import next_address
from workspace.sample import where_it_lies

ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 5.0
MAX_REDIRECTS = 3

_USUAL_BRANCHES = ("main", "master", "develop", "trunk")
_ROBOTS = ("dependabot/", "renovate/", "snyk-")
T = TypeVar("T")
_SPEAK_HTTPS_TOO = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})


@dataclass(frozen=True)
class Session:
    """One clone's means: where it may write, whom it tells, whose token it has, and until when it may run."""

    folder: Path
    emit: Emit
    settings: Settings
    token: Secret | None
    deadline: float

    async def run(
        self, argv: Sequence[str], remote: Remote, *, waiting_for: str, on_line: Callable[[str], None] | None = None
    ) -> None:
        """Run git with its clean environment; its lines become events. Raises what `explain` makes of a failure."""
        try:
            await shell.stream(
                argv,
                on_line or self.say,
                timeout_seconds=max(0.1, self.deadline - asyncio.get_running_loop().time()),
                waiting_for=waiting_for,
                cwd=self.folder,
                env=git_environment(remote, self.settings, self.folder / "home"),
                max_file_bytes=self.settings.max_repository_mb * MEBIBYTE,
            )
        except CommandFailed as error:
            raise explain(error) from error

    def say(self, text: str, kind: EventKind = EventKind.LINE) -> None:
        """Put a line into the deployment's log."""
        plain = "".join(character for character in text if character.isprintable())
        if plain.strip():
            self.emit(Event(kind, Stage.CLONE, plain.rstrip()))

    async def remote(self, address: GitAddress) -> Remote:
        """The address with the IP addresses that it is held to, and the user's token if it is the token's host."""
        address = await where_it_lies(self._over_https(address), self.settings)
        pins = await checked_addresses(address, self.settings)
        return Remote(address, pins, token_for(address, self.token, self.settings))

    def _over_https(self, address: GitAddress) -> GitAddress:
        """Well-known hosts serve the same path over https, where a token works and no ssh key is needed."""
        serves_both = address.host in _SPEAK_HTTPS_TOO and address.port is None
        if address.scheme != "ssh" or not serves_both or self.settings.ssh_key_file:
            return address
        return parse_git_url(f"https://{address.host}/{address.path}", self.settings)


async def fetch_repository(session: Session, address: GitAddress, branch: str | None, name: str) -> Remote:
    """Clone one commit into the session's folder `name` without checking it out; answers where it came from."""
    for _ in range(MAX_REDIRECTS):
        try:
            return await _fetch(session, address, branch, name)
        except Redirected:
            address = await next_address(await session.remote(address), session.settings)
            session.say(f"The repository has moved to {address.url}.", EventKind.NOTE)
    return await _fetch(session, address, branch, name)


async def retried(session: Session, action: Callable[[], Awaitable[T]]) -> T:
    """Do it; where the network is at fault, say so and do it again, a little later each time."""
    attempts = stamina.retry_context(
        on=TransientFailure,
        attempts=ATTEMPTS,
        timeout=None,
        wait_initial=FIRST_WAIT_SECONDS,
        wait_max=LONGEST_WAIT_SECONDS,
    )
    async for attempt in attempts:
        with attempt:
            try:
                return await action()
            except TransientFailure as error:
                if attempt.num < ATTEMPTS:
                    session.say(f"{error.message} Trying again ({attempt.num + 1} of {ATTEMPTS}).", EventKind.NOTE)
                raise
    raise AssertionError("stamina raises the last failure")


async def with_token_if_it_helps(session: Session, remote: Remote, action: Callable[[Remote], Awaitable[None]]) -> None:
    """A token that has expired must not stand in the way of a public repository: try without it too."""
    try:
        await action(remote)
    except AccessDenied as error:
        if remote.token is not None:
            try:
                return await action(replace(remote, token=None))
            except AccessDenied:
                pass
        raise _denied(session, remote, error) from error


async def branch_names(session: Session, remote: Remote) -> list[str]:
    """The remote repository's branches, those that people mean first and those that robots make last."""
    names: list[str] = []

    def keep(line: str) -> None:
        _, is_branch, name = line.partition("refs/heads/")
        if is_branch:
            names.append(name)

    await session.run(branches_argv(remote), remote, waiting_for="the list of branches", on_line=keep)
    return sorted(names, key=lambda name: (name not in _USUAL_BRANCHES, name.startswith(_ROBOTS), name))


async def _fetch(session: Session, address: GitAddress, branch: str | None, name: str) -> Remote:
    async def once() -> Remote:
        remote = await session.remote(address)

        async def run(remote: Remote) -> None:
            # git removes what it made, except when it was killed
            await asyncio.to_thread(shutil.rmtree, session.folder / name, ignore_errors=True)
            await session.run(clone_argv(remote, branch, name), remote, waiting_for="the repository")

        await with_token_if_it_helps(session, remote, run)
        return remote

    return await retried(session, once)


def _denied(session: Session, remote: Remote, error: AccessDenied) -> DeploymentFailed:
    return private_or_missing(
        is_github=remote.address.origin == web_origin(session.settings),
        had_token=remote.token is not None,
        is_ssh=remote.address.scheme == "ssh",
        lines=error.lines,
    )
