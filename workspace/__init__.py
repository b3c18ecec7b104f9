"""A repository's clone, and the questions that may be asked of it; knows nothing of Docker or plans."""

from __future__ import annotations

from workspace.checkout import Checkout, clone, remove_leftovers
from workspace.git_address import (
    SAMPLE_ADDRESS,
    GitAddress,
    check_branch,
    check_subdirectory,
    container_name_for,
    parse_git_url,
)
from workspace.sample import is_shipped as is_sample_shipped
from workspace.tree import Workspace, open_folder

__all__ = [
    "SAMPLE_ADDRESS",
    "Checkout",
    "GitAddress",
    "Workspace",
    "check_branch",
    "check_subdirectory",
    "clone",
    "container_name_for",
    "is_sample_shipped",
    "open_folder",
    "parse_git_url",
    "remove_leftovers",
]
