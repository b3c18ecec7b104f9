"""One clone from start to end: fetched, judged, written to disk, stripped of its history, and removed in every case."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from domain import Commit, DeployRequest, Emit, EventKind
from robust_error_handler import BadRequest, Code, DeploymentFailed
from settings import Settings
from workspace import lfs, submodules
from workspace.contents import Listing, check_free_space, make_links, make_removable, remove_git_folders
from workspace.fetching import Session, branch_names, fetch_repository
from workspace.git_address import GitAddress, check_branch, check_subdirectory, parse_git_url
from workspace.git_command import Remote, checkout_argv, list_argv
from workspace.tree import Workspace, open_folder

SOURCE = "src"
SHOWN_BRANCHES = 10


@dataclass(frozen=True)
class Checkout:
    """A repository on disk: what may be asked of it, the commit it stands at, and a folder for what we write."""

    workspace: Workspace
    commit: Commit
    generated: Path


@asynccontextmanager
async def clone(request: DeployRequest, emit: Emit, settings: Settings) -> AsyncIterator[Checkout]:
    """A repository's checkout for as long as the block lasts; its folder goes in every case.

    Raises DeploymentFailed.
    """
    folder = _make_folder(request, settings)
    try:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + settings.clone_timeout_seconds
        yield await _filled(Session(folder, emit, settings, request.github_token, deadline), request)
    finally:
        # the thread goes on even if this wait is cancelled
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, onerror=make_removable))


def remove_leftovers(settings: Settings) -> int:
    """Remove the clones that a Butler which was killed left behind; only while no deployment runs."""
    folders = list(settings.work_dir.glob("*/")) if settings.work_dir.is_dir() else []
    for folder in folders:
        shutil.rmtree(folder, onerror=make_removable)
    return len(folders)


def _make_folder(request: DeployRequest, settings: Settings) -> Path:
    settings.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    prefix = f"{request.container_name}-{request.release_number}-"
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=settings.work_dir)).resolve()
    (folder / "home").mkdir(mode=0o700)
    (folder / "generated").mkdir(mode=0o700)
    return folder


async def _filled(session: Session, request: DeployRequest) -> Checkout:
    address, branch, subdirectory = _wanted(request, session.settings)
    check_free_space(session.folder, 0, session.settings)
    remote, branch, subdirectory = await _fetched(session, address, branch, subdirectory)
    source = session.folder / SOURCE
    commit, trees = await _read_and_written(session, remote, branch)
    await lfs.fetch(session, remote, source, trees[SOURCE])
    await asyncio.to_thread(_finish, session.folder, trees)
    session.say(f"Commit {commit.sha[:10]} on {commit.branch}: {commit.subject}", EventKind.NOTE)
    return Checkout(open_folder(source, subdirectory), commit, session.folder / "generated")


def _wanted(request: DeployRequest, settings: Settings) -> tuple[GitAddress, str | None, str | None]:
    """What was asked for; a web page's branch and folder count where the request names none."""
    try:
        address = parse_git_url(request.git_url, settings)
        branch = check_branch(request.branch) or address.branch_hint
        return address, branch, check_subdirectory(request.subdirectory) or address.subdirectory_hint
    except BadRequest as error:
        raise DeploymentFailed(Code.CLONE_REFUSED, error.message, error.hint) from error


async def _fetched(
    session: Session, address: GitAddress, branch: str | None, subdirectory: str | None
) -> tuple[Remote, str | None, str | None]:
    session.say(f"Cloning {address.url}{f' ({branch})' if branch else ''}")
    try:
        return await fetch_repository(session, address, branch, SOURCE), branch, subdirectory
    except DeploymentFailed as error:
        if error.code is not Code.BRANCH_MISSING:
            raise
        names = await branch_names(session, await session.remote(address))
        longer = _longer_branch(address, branch, names)
        if longer is None:
            raise _branch_missing(branch, names) from error
    _, _, rest = f"{branch}/{address.subdirectory_hint}".partition(longer)
    return await fetch_repository(session, address, longer, SOURCE), longer, check_subdirectory(rest)


def _longer_branch(address: GitAddress, branch: str | None, names: list[str]) -> str | None:
    """`.../tree/feature/x/web` may mean the branch `feature` or `feature/x`: only the list of branches tells."""
    if branch is None or branch != address.branch_hint or not address.subdirectory_hint:
        return None
    whole = f"{branch}/{address.subdirectory_hint}/"
    return max((name for name in names if whole.startswith(f"{name}/")), key=len, default=None)


def _branch_missing(branch: str | None, names: list[str]) -> DeploymentFailed:
    shown = ", ".join(names[:SHOWN_BRANCHES]) + (
        f" and {len(names) - SHOWN_BRANCHES} more" if names[SHOWN_BRANCHES:] else ""
    )
    return DeploymentFailed(
        Code.BRANCH_MISSING,
        f"The repository has no branch {branch!r}.",
        f"Its branches: {shown}." if names else "It has no branches at all: push a commit first.",
    )


async def _read_and_written(session: Session, remote: Remote, branch: str | None) -> tuple[Commit, dict[str, Listing]]:
    """Read the commit while its files are written; an empty repository is told by the former."""
    reading = asyncio.create_task(asyncio.to_thread(_read_commit, session.folder / SOURCE, branch))
    try:
        trees = await _written(session, remote, SOURCE, "HEAD")
    except DeploymentFailed:
        await reading
        raise
    finally:
        if not reading.done():
            await asyncio.wait({reading})
    return reading.result(), trees


def _read_commit(source: Path, branch: str | None) -> Commit:
    import git  # takes 70 ms and starts a program, which the command line's `plan` need not wait for

    with git.Repo(source) as repository:
        repository.git.update_environment(GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null")
        try:
            commit = repository.head.commit
        except (ValueError, KeyError) as error:
            raise DeploymentFailed(
                Code.NOTHING_RECOGNISED, "The repository is empty: it has no commit.", "Push the app's files to it."
            ) from error
        name = branch or ("" if repository.head.is_detached else repository.active_branch.name)
        subject = str(commit.summary)[:200]
        return Commit(commit.hexsha, subject, str(commit.author.name or ""), name, commit.tree.hexsha)


async def _written(
    session: Session, remote: Remote, name: str, sha: str, *, depth: int = 0, room: Listing | None = None
) -> dict[str, Listing]:
    """Write one repository's files and those of its submodules; answers what each folder holds."""
    listing = Listing(session.settings, room=room)
    await session.run(list_argv(name, sha), remote, waiting_for="the list of files", on_line=listing.add_line)
    check_free_space(session.folder, listing.size - (room.size if room else 0), session.settings)
    await session.run(checkout_argv(name, sha), remote, waiting_for="the files")
    trees = {name: listing}
    if listing.submodules and depth < submodules.MAX_DEPTH:
        urls = await submodules.addresses(session, remote, name)
        for entry in listing.submodules:
            inner = f"{name}/{entry.path}"
            source = await submodules.fetch(session, remote, entry, urls, inner)
            if source is not None:
                latest = list(trees.values())[-1]
                trees |= await _written(session, source, inner, entry.sha, depth=depth + 1, room=latest)
    return trees


def _finish(folder: Path, trees: dict[str, Listing]) -> None:
    """Make the links, which waited until nothing more is written through them, and take the history away."""
    for name, listing in trees.items():
        make_links(folder / name, listing.links, folder / SOURCE)
    remove_git_folders([folder / name for name in trees])
