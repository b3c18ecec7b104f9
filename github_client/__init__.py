"""The few questions that the repository browser asks GitHub, with the user's own token; nothing is ever changed there."""

from github_client.client import Caller, GithubClient
from github_client.nouns import Branch, BranchPage, Entry, EntryType, Repository, RepositoryPage

__all__ = [
    "Branch",
    "BranchPage",
    "Caller",
    "Entry",
    "EntryType",
    "GithubClient",
    "Repository",
    "RepositoryPage",
]
