"""The sample that is shipped with the Butler, as a repository of the server's own that any user may deploy.

Its address names no place on the disk: nobody can reach another folder through it, and it says nothing about the
server. So it can be deployed where local repositories are not allowed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import shell
from robust_error_handler import Code, DeploymentFailed
from settings import ROOT, Settings, tool_environment
from workspace.git_address import SAMPLE_ADDRESS, GitAddress
from workspace.git_command import nobodys_configuration

SAMPLE = ROOT / "examples" / "hello-butler"
_WHO = ("-c", "user.name=DevOps Butler", "-c", "user.email=butler@localhost")


def is_shipped() -> bool:
    """Whether this Butler has its sample."""
    return SAMPLE.is_dir()


async def where_it_lies(address: GitAddress, settings: Settings) -> GitAddress:
    """The sample's address as git understands it; any other address as it is. Raises DeploymentFailed."""
    if address.url != SAMPLE_ADDRESS:
        return address
    return replace(address, url=(await _repository(settings)).as_uri())


async def _repository(settings: Settings) -> Path:
    """The sample with one commit, made once for what it holds now."""
    if not is_shipped():
        message = "This Butler was installed without its sample."
        raise DeploymentFailed(Code.CLONE_REFUSED, message, "Deploy a repository of your own.")
    files = await asyncio.to_thread(_files)
    folder = settings.data_dir.resolve() / "samples" / f"{SAMPLE.name}-{_digest(files)}"
    if not folder.is_dir():
        await _make(folder, files)
    return folder


async def _make(folder: Path, files: dict[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="making-", dir=folder.parent))
    try:
        await asyncio.to_thread(_write, made, files)
        environment = {**tool_environment(), **nobodys_configuration(made)}
        for words in (
            ["init", "--quiet", "--initial-branch", "main", "--template="],
            ["add", "--all", "--force"],
            [*_WHO, "commit", "--quiet", "--message", "Say hello"],
        ):
            await shell.output(_argv(made, words), waiting_for="the sample's repository", env=environment)
        await asyncio.to_thread(_put, made, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, made, ignore_errors=True)


def _argv(folder: Path, words: list[str]) -> list[str]:
    return ["git", "-c", "core.hooksPath=/dev/null", "-C", str(folder), *words]


def _files() -> dict[str, bytes]:
    paths = [path for path in sorted(SAMPLE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(SAMPLE).as_posix(): path.read_bytes() for path in paths}


def _digest(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _put(made: Path, folder: Path) -> None:
    try:
        os.rename(made, folder)
    except OSError:
        if not folder.is_dir():  # somebody else was quicker, with the same files
            raise
