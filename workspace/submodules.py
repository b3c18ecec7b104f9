"""Submodules: each fetched by its commit, over https only, from hosts that are checked like the first one."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

from domain import EventKind
from robust_error_handler import BadRequest, Code, DeploymentFailed
from workspace.contents import Entry
from workspace.fetching import Session, retried, with_token_if_it_helps
from workspace.git_address import GitAddress, parse_git_url
from workspace.git_command import Remote, fetch_argv, init_argv, submodules_argv

MAX_DEPTH = 2
# A submodule that cannot be had is often not needed (a theme, the docs); these failures are about the server.
_FATAL = frozenset({Code.TIMEOUT, Code.DISK_FULL, Code.REPOSITORY_TOO_LARGE, Code.UNSAFE_REPOSITORY})


async def addresses(session: Session, remote: Remote, name: str) -> dict[str, str]:
    """What `.gitmodules` of the checkout `name` says: address by path."""
    lines: list[str] = []
    if not (session.folder / name / ".gitmodules").is_file():
        return {}
    try:
        await session.run(submodules_argv(name), remote, waiting_for="the list of submodules", on_line=lines.append)
    except DeploymentFailed:
        return {}
    return _paired("\n".join(lines))


async def fetch(session: Session, parent: Remote, entry: Entry, urls: Mapping[str, str], name: str) -> Remote | None:
    """Fetch one submodule's commit into its folder; None, and a warning, if it may not or cannot be had."""
    try:
        address = _address(session, parent.address, urls.get(entry.path, ""))
        _check_folder(session.folder / name)
        return await retried(session, lambda: _fetch(session, address, entry.sha, name))
    except (BadRequest, DeploymentFailed) as error:
        if error.code in _FATAL:
            raise
        await asyncio.to_thread(shutil.rmtree, session.folder / name / ".git", ignore_errors=True)
        session.say(f"The submodule {entry.path!r} is left out: {error.message}", EventKind.WARNING)
        return None


async def _fetch(session: Session, address: GitAddress, sha: str, name: str) -> Remote:
    remote = await session.remote(address)
    if remote.address.scheme == "ssh":
        raise BadRequest("Submodules are fetched over https only.", "Give it an https address in .gitmodules.")
    await session.run(init_argv(name), remote, waiting_for="an empty repository")

    async def run(remote: Remote) -> None:
        await session.run(fetch_argv(remote, sha, name), remote, waiting_for="a submodule")

    await with_token_if_it_helps(session, remote, run)
    return remote


def _address(session: Session, parent: GitAddress, url: str) -> GitAddress:
    if url.startswith(("./", "../")):
        base = parent.url if "://" in parent.url else f"ssh://{parent.user}@{parent.host}/{parent.path}"
        url = urljoin(f"{base}/", url)
    return parse_git_url(url, session.settings.model_copy(update={"allow_local_repositories": False}))


def _check_folder(folder: Path) -> None:
    """git has just made an empty folder there; anything else would be a trick with names."""
    if os.path.realpath(folder) != str(folder) or not folder.is_dir() or any(folder.iterdir()):
        raise BadRequest("Its folder holds other things.", "Remove them from the repository.")


def _paired(text: str) -> dict[str, str]:
    """`submodule.NAME.path\\nVALUE\\0submodule.NAME.url\\nVALUE\\0...` as url by path."""
    values: dict[str, dict[str, str]] = {}
    for item in text.split("\0"):
        key, _, value = item.partition("\n")
        name, _, field = key.rpartition(".")
        values.setdefault(name, {}).setdefault(field.lower(), value)
    return {found["path"].strip("/"): found["url"] for found in values.values() if {"path", "url"} <= found.keys()}
