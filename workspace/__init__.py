"""A repository's clone, and the questions that may be asked of it; knows nothing of Docker or plans."""

from __future__ import annotations

from workspace.tree import Workspace, open_folder

__all__ = ["Workspace", "open_folder"]
