"""Reads a repository's Compose file safely and says which service is the web site; knows nothing of Docker."""

from __future__ import annotations

from typing import Any

from compose_file.paths import check_paths
from compose_file.reading import FILE_NAMES, ComposeText, is_blank, parse
from compose_file.site import Port, Site, choose_site, is_backing_service, ports_of, site_of
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace

__all__ = [
    "FILE_NAMES",
    "ComposeText",
    "Port",
    "Site",
    "choose_site",
    "find_compose_file",
    "is_backing_service",
    "load",
    "ports_of",
    "read",
    "site_of",
]


def find_compose_file(workspace: Workspace) -> str | None:
    """The Compose file of the folder that is deployed, in Compose's own order; an empty one counts as absent."""
    for name in FILE_NAMES:
        if workspace.exists(name) and not is_blank(workspace.read_text(name)):
            return name
    return None


def load(workspace: Workspace, path: str) -> dict[str, Any]:
    """The file as it stands (not interpolated, not merged), once it is known to be safe to give to Compose.

    Raises DeploymentFailed: COMPOSE_INVALID with the line, COMPOSE_REFUSED with every path that leaves the clone.
    """
    return read(workspace, path).model


def read(workspace: Workspace, path: str) -> ComposeText:
    """Like `load`, with the lines of its keys and the env files that it names and that are not there."""
    if not workspace.exists(path):
        message = f"There is no Compose file {path} in the repository."
        raise DeploymentFailed(Code.COMPOSE_INVALID, message, "Commit it as a regular file.")
    try:
        text = parse(workspace.root / path, path)
    except OSError as error:
        raise DeploymentFailed(
            Code.COMPOSE_INVALID, f"{path} cannot be read: {error.strerror}.", "Commit it as a regular file."
        ) from error
    return check_paths(text, workspace)
