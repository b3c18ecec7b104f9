"""The repository browser: what the user's stored token may see on GitHub, asked through the server."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from auth import CurrentUser
from github_client import Caller, EntryType
from robust_error_handler import Code
from routes.context import Butler, TheButler
from routes.errors_model import ErrorBody, described, error_responses, example
from routes.inputs import BRANCH, FOLDER
from workspace import check_branch, check_subdirectory

router = APIRouter(prefix="/api/github", tags=["github"])

Owner = Annotated[str, Path(description="User or organisation.", pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
Repo = Annotated[str, Path(description="Name of the repository.", pattern="^[A-Za-z0-9._-]{1,100}$")]
Page = Annotated[int, Query(ge=1, le=1000, description="Number of the page.")]

_REPOSITORY: dict[str, Any] = {
    "full_name": "octo/shop",
    "owner": "octo",
    "name": "shop",
    "private": True,
    "fork": False,
    "archived": False,
    "description": "Sells things",
    "language": "Python",
    "default_branch": "main",
    "pushed_at": "2024-01-15T10:30:00Z",
    "clone_url": "https://github.com/octo/shop.git",
    "html_url": "https://github.com/octo/shop",
}
_NO_TOKEN = example(Code.GITHUB_TOKEN_MISSING, "You have stored no GitHub token.", "Store one in your account.")
_EXPIRED = example(
    Code.GITHUB_TOKEN_REFUSED,
    "GitHub does not accept your stored token: it has expired or was revoked.",
    "Store a new one in your account.",
)
_TOO_LITTLE = example(
    Code.GITHUB_FORBIDDEN,
    "GitHub does not let your token see repository octo/shop.",
    "Your token has not the scope `repo`, which private repositories need.",
)
_DOWN = example(Code.GITHUB_UNAVAILABLE, "GitHub does not answer.", "Try again in a moment.")
_RESPONSES: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorBody, **described(403, _NO_TOKEN, _EXPIRED, _TOO_LITTLE)},
    **error_responses(404, 422, 429),
    503: {"model": ErrorBody, **described(503, _DOWN)},
}


class RepositoryView(BaseModel):
    """A repository on GitHub."""

    full_name: str
    owner: str
    name: str
    private: bool
    fork: bool
    archived: bool
    description: str | None = None
    language: str | None = None
    default_branch: str
    pushed_at: str | None = None
    clone_url: str = Field(description="What to deploy.")
    html_url: str


class RepositoriesView(BaseModel):
    """A page of repositories."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "repositories": [_REPOSITORY],
                    "page": 1,
                    "next_page": None,
                    "incomplete": False,
                    "sees_private": True,
                }
            ]
        }
    )

    repositories: list[RepositoryView]
    page: int
    next_page: int | None = None
    incomplete: bool = Field(description="Whether a search could not look at all of them.")
    sees_private: bool | None = Field(
        None, description="Whether the token may see private repositories; null where that is unknown."
    )


class BranchView(BaseModel):
    """A branch."""

    name: str
    commit_sha: str
    protected: bool


class BranchesView(BaseModel):
    """A page of branches."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "branches": [{"name": "main", "commit_sha": "0123456789abcdef", "protected": False}],
                    "page": 1,
                    "next_page": None,
                }
            ]
        }
    )

    branches: list[BranchView]
    page: int
    next_page: int | None = None


class EntryView(BaseModel):
    """One entry of a folder."""

    name: str
    path: str
    type: EntryType
    size: int


class ContentsView(BaseModel):
    """A folder of a repository."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "path": "",
                    "ref": "main",
                    "entries": [{"name": "src", "path": "src", "type": "dir", "size": 0}],
                }
            ]
        }
    )

    path: str
    ref: str | None = None
    entries: list[EntryView]


@router.get("/repos", summary="List your repositories on GitHub", responses=_RESPONSES)
async def list_repositories(
    butler: TheButler,
    user: CurrentUser,
    search: Annotated[str, Query(max_length=100, description="Part of the name or the description.")] = "",
    page: Page = 1,
    per_page: Annotated[int, Query(ge=1, le=100, description="Most repositories in the answer.")] = 30,
) -> RepositoriesView:
    """What your stored token may see, the one that was pushed to last first."""
    caller = await _caller(butler, user.id)
    found = await butler.github.repositories(caller, search=search, page=page, per_page=per_page)
    return RepositoriesView.model_validate(found, from_attributes=True)


@router.get("/repos/{owner}/{repo}/branches", summary="List a repository's branches", responses=_RESPONSES)
async def list_branches(butler: TheButler, user: CurrentUser, owner: Owner, repo: Repo, page: Page = 1) -> BranchesView:
    """A page of a hundred branches."""
    found = await butler.github.branches(await _caller(butler, user.id), owner, repo, page=page)
    return BranchesView.model_validate(found, from_attributes=True)


@router.get("/repos/{owner}/{repo}/contents", summary="List a folder of a repository", responses=_RESPONSES)
async def list_contents(
    butler: TheButler,
    user: CurrentUser,
    owner: Owner,
    repo: Repo,
    path: Annotated[str, Query(description="The folder; the root without it.", json_schema_extra=FOLDER)] = "",
    ref: Annotated[
        str, Query(description="Branch or tag; the default branch without it.", json_schema_extra=BRANCH)
    ] = "",
) -> ContentsView:
    """The entries of a folder, folders first."""
    folder, branch = check_subdirectory(path or None) or "", check_branch(ref or None)
    caller = await _caller(butler, user.id)
    entries = await butler.github.contents(caller, owner, repo, path=folder, ref=branch)
    shown = [EntryView.model_validate(one, from_attributes=True) for one in entries]
    return ContentsView(path=folder, ref=branch, entries=shown)


async def _caller(butler: Butler, user_id: int) -> Caller:
    return Caller(user_id, await asyncio.to_thread(butler.database.users.github_token, user_id))
