"""Git LFS: large files fetched where git-lfs is installed and the host is known, and named where they are not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from domain import EventKind
from robust_error_handler import Code, DeploymentFailed
from settings import tool_environment
from workspace.contents import MEBIBYTE, Listing, check_free_space, check_total_size, lfs_pointers
from workspace.fetching import Session
from workspace.git_address import is_allowed_private
from workspace.git_command import Remote, lfs_argv, web_origin

SHOWN_FILES = 5
# An LFS server sends git-lfs on to any address it likes, so only hosts that are known not to abuse that.
_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})


async def fetch(session: Session, remote: Remote, folder: Path, listing: Listing) -> None:
    """Replace the pointers in a checkout by their files, or warn that they stay pointers."""
    pointers = lfs_pointers(folder, listing)
    if not pointers:
        return
    shown = ", ".join(pointers[:SHOWN_FILES]) + (
        f" and {len(pointers) - SHOWN_FILES} more" if pointers[SHOWN_FILES:] else ""
    )
    if reason := _reason_not_to(session, remote):
        session.say(f"These files are only Git LFS pointers, because {reason}: {shown}.", EventKind.WARNING)
        return
    size = sum(_size(folder / path) for path in pointers)
    check_total_size(listing.size + size, session.settings)
    check_free_space(folder, size * 2, session.settings)
    session.say(f"Fetching {len(pointers)} Git LFS files ({size // MEBIBYTE} MiB)")
    try:
        await session.run(lfs_argv(remote, folder.name), remote, waiting_for="the Git LFS files")
    except DeploymentFailed as error:
        if error.code in (Code.TIMEOUT, Code.DISK_FULL, Code.REPOSITORY_TOO_LARGE):
            raise
        session.say(f"Git LFS failed, so these files are only pointers: {shown}. {error.message}", EventKind.WARNING)


def _reason_not_to(session: Session, remote: Remote) -> str:
    if shutil.which("git-lfs", path=tool_environment().get("PATH")) is None:
        return "git-lfs is not installed on the server"
    address = remote.address
    known = address.host in _HOSTS or address.origin == web_origin(session.settings)
    if address.scheme not in ("https", "http") or not (known or is_allowed_private(address, session.settings)):
        return f"large files are not fetched from {address.host or 'local repositories'}"
    return ""


def _size(pointer: Path) -> int:
    found = re.search(rb"^size (\d{1,15})$", pointer.read_bytes(), re.MULTILINE)
    return int(found[1]) if found else 0
