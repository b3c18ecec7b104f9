"""What GitHub's answers are read into: only what the repository browser shows, and nothing that it might stumble over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from robust_error_handler import ButlerError, Code


class EntryType(StrEnum):
    """What an entry of a folder is."""

    DIR = "dir"
    FILE = "file"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"


@dataclass(frozen=True)
class Repository:
    """A repository that the token may see."""

    full_name: str
    owner: str
    name: str
    private: bool
    fork: bool
    archived: bool
    description: str | None
    language: str | None
    default_branch: str
    pushed_at: str | None
    clone_url: str
    html_url: str


@dataclass(frozen=True)
class RepositoryPage:
    """A page of repositories. `incomplete`: not all could be searched. `sees_private` is None where that is unknown."""

    repositories: tuple[Repository, ...]
    page: int
    next_page: int | None
    incomplete: bool
    sees_private: bool | None


@dataclass(frozen=True)
class Branch:
    """A branch and the commit that it is at."""

    name: str
    commit_sha: str
    protected: bool


@dataclass(frozen=True)
class BranchPage:
    """A page of branches."""

    branches: tuple[Branch, ...]
    page: int
    next_page: int | None


@dataclass(frozen=True)
class Entry:
    """One entry of a folder."""

    name: str
    path: str
    type: EntryType
    size: int


def read_repositories(body: Any) -> tuple[Repository, ...]:
    """The repositories of an answer; one that cannot be cloned over http(s) is left out."""
    found = (_repository(one) for one in _list_of_objects(body))
    return tuple(one for one in found if one.clone_url)


def read_branches(body: Any) -> tuple[Branch, ...]:
    """The branches of an answer."""
    return tuple(
        Branch(_text(one, "name"), _text(one.get("commit") or {}, "sha"), bool(one.get("protected")))
        for one in _list_of_objects(body)
    )


def read_entries(body: Any) -> tuple[Entry, ...] | None:
    """The entries of a folder, folders first; None where the answer is about a single file."""
    if isinstance(body, Mapping):
        return None
    entries = [_entry(one) for one in _list_of_objects(body)]
    return tuple(sorted(entries, key=lambda one: (one.type is not EntryType.DIR, one.name.casefold(), one.name)))


def not_understood() -> ButlerError:
    """The error of an answer that is not what GitHub's description promises."""
    return ButlerError(
        "GitHub's answer is not understood.",
        "Check BUTLER_GITHUB_API_URL on the server; the repository can be deployed by its address meanwhile.",
        Code.GITHUB_UNAVAILABLE,
        503,
    )


def _repository(one: Mapping[str, Any]) -> Repository:
    owner, _, name = _text(one, "full_name").partition("/")
    return Repository(
        full_name=_text(one, "full_name"),
        owner=owner,
        name=name,
        private=bool(one.get("private")),
        fork=bool(one.get("fork")),
        archived=bool(one.get("archived")),
        description=_optional(one, "description"),
        language=_optional(one, "language"),
        default_branch=_optional(one, "default_branch") or "main",
        pushed_at=_optional(one, "pushed_at"),
        clone_url=_web_address(one, "clone_url"),
        html_url=_web_address(one, "html_url"),
    )


def _entry(one: Mapping[str, Any]) -> Entry:
    kind = str(one.get("type"))
    if kind == "file" and one.get("download_url") is None:
        kind = "submodule"  # GitHub calls it a file for the sake of old clients; only this tells
    size = one.get("size")
    known = EntryType(kind) if kind in set(EntryType) else EntryType.FILE
    return Entry(_text(one, "name"), _text(one, "path"), known, size if isinstance(size, int) else 0)


def _list_of_objects(body: Any) -> list[Mapping[str, Any]]:
    if not isinstance(body, list) or not all(isinstance(one, Mapping) for one in body):
        raise not_understood()
    return body


def _text(one: Mapping[str, Any], name: str) -> str:
    value = one.get(name)
    if not isinstance(value, str):
        raise not_understood()
    return value


def _optional(one: Mapping[str, Any], name: str) -> str | None:
    value = one.get(name)
    return value if isinstance(value, str) and value else None


def _web_address(one: Mapping[str, Any], name: str) -> str:
    """An address that may stand in a link; anything but http(s) is no address."""
    value = _optional(one, name) or ""
    return value if value.startswith(("https://", "http://")) else ""
