"""Asks GitHub: within limits of time and size, on its own host only, and without asking twice for what has not changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx2

from domain import Secret
from github_client.cache import Answer, AnswerCache, Question
from github_client.nouns import (
    BranchPage,
    Entry,
    Repository,
    RepositoryPage,
    not_understood,
    read_branches,
    read_entries,
    read_repositories,
)
from github_client.refusals import refusal, scopes_of, token_missing, unavailable
from robust_error_handler import ButlerError, NotFound
from settings import Settings

log = logging.getLogger(__name__)

ANSWER_SECONDS = 15.0
MOST_BYTES = 8 * 2**20
MOST_AT_ONCE = 8
MOST_REDIRECTS = 3
MOST_SEARCHED_PAGES = 10
LARGEST_PAGE = 100
_HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": "devops-butler",
}
_REDIRECTS = frozenset({301, 302, 307, 308})


@dataclass(frozen=True)
class Caller:
    """Whoever asks, with the token that they have stored."""

    user_id: int
    token: Secret | None


class GithubClient:
    """One Butler's way to its GitHub, which may be GitHub Enterprise."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.github_api_url.rstrip("/")
        self._client: httpx2.AsyncClient | None = None
        self._cache = AnswerCache()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def close(self) -> None:
        """Close the pooled connections."""
        if self._client is not None:
            await self._client.aclose()

    @property
    def _http(self) -> httpx2.AsyncClient:
        """Made at the first question: the machine's trusted certificates, which it reads, take megabytes."""
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=ANSWER_SECONDS, headers=_HEADERS, follow_redirects=False)
        return self._client

    async def repositories(self, caller: Caller, *, search: str, page: int, per_page: int) -> RepositoryPage:
        """A page of the repositories that the token may see, the one that was pushed to last first.

        `search` keeps those whose name or description holds it, of the first thousand.
        """
        if search.strip():
            return await self._found(caller, search.strip().casefold(), page, per_page)
        answer = await self._ask(caller, self._repositories_url(page, per_page), read_repositories, "repositories")
        return RepositoryPage(answer.content, page, _following(answer, page), False, _sees_private(answer))

    async def branches(self, caller: Caller, owner: str, repo: str, *, page: int) -> BranchPage:
        """A page of a repository's branches."""
        query = urlencode({"per_page": LARGEST_PAGE, "page": page})
        url = f"{self._repository_url(owner, repo)}/branches?{query}"
        answer = await self._ask(caller, url, read_branches, f"repository {owner}/{repo}")
        return BranchPage(answer.content, page, _following(answer, page))

    async def contents(self, caller: Caller, owner: str, repo: str, *, path: str, ref: str | None) -> tuple[Entry, ...]:
        """The entries of a folder of a repository, folders first; `ref` is a branch, a tag or a commit."""
        place = "/".join(quote(part, safe="") for part in path.split("/") if part)
        url = f"{self._repository_url(owner, repo)}/contents/{place}".rstrip("/")
        what = f"{path or 'folder'} in {owner}/{repo}" + (f" at {ref}" if ref else "")
        try:
            answer = await self._ask(caller, f"{url}?{urlencode({'ref': ref})}" if ref else url, read_entries, what)
        except _EmptyRepository:
            return ()
        if answer.content is None:
            raise NotFound(f"{path} is no folder.", "Choose one of the folders.")
        entries: tuple[Entry, ...] = answer.content
        return entries

    async def _found(self, caller: Caller, wanted: str, page: int, per_page: int) -> RepositoryPage:
        """Look through the pages: GitHub's own search would leave out what organisations share with the user."""
        found: list[Repository] = []
        url: str | None = self._repositories_url(1, LARGEST_PAGE)
        answer = Answer((), None, None)
        for _page in range(MOST_SEARCHED_PAGES):
            if url is None:
                break
            answer = await self._ask(caller, url, read_repositories, "repositories")
            found += [one for one in answer.content if _holds(one, wanted)]
            url = self._same_host(answer.next_url)
        first = (page - 1) * per_page
        following = page + 1 if len(found) > first + per_page else None
        shown = tuple(found[first : first + per_page])
        return RepositoryPage(shown, page, following, answer.next_url is not None, _sees_private(answer))

    async def _ask(self, caller: Caller, url: str, read: Callable[[Any], Any], what: str) -> Answer:
        """A good answer, read; one that has not changed since the last time is not sent again."""
        if caller.token is None:
            raise token_missing()
        question = Question(caller.user_id, hashlib.sha256(caller.token.reveal().encode()).hexdigest(), url)
        kept = self._cache.get(question)
        response, body = await self._fetch(caller.token, url, None if kept is None else kept[0])
        if response.status_code == 304 and kept is not None:
            return kept[1]
        content = _parsed(body)
        if response.status_code != 200:
            said = content.get("message") if isinstance(content, dict) else None
            if response.status_code in (404, 409) and "is empty" in str(said):
                raise _EmptyRepository()
            raise refusal(response.status_code, response.headers, str(said or ""), what)
        next_url = response.links.get("next", {}).get("url")
        answer = Answer(read(content), next_url, scopes_of(response.headers))
        if tag := response.headers.get("etag"):
            self._cache.put(question, tag, answer)
        return answer

    async def _fetch(self, token: Secret, url: str, tag: str | None) -> tuple[httpx2.Response, bytes]:
        """The answer at an address, wherever on the same host a renamed repository leads."""
        headers = {"Authorization": f"Bearer {token.reveal()}", **({} if tag is None else {"If-None-Match": tag})}
        try:
            async with self._places, asyncio.timeout(ANSWER_SECONDS * 2):
                for _attempt in range(MOST_REDIRECTS + 1):
                    response, body = await self._get(url, headers)
                    if response.status_code not in _REDIRECTS:
                        return response, body
                    target = self._same_host(urljoin(url, response.headers.get("location", "")))
                    if target is None:
                        break
                    url = target
        except (httpx2.HTTPError, TimeoutError) as error:
            log.warning("GitHub could not be asked: %s", type(error).__name__)
            raise unavailable("GitHub does not answer.") from error
        raise unavailable("GitHub leads to another address, which is not followed.")

    async def _get(self, url: str, headers: dict[str, str]) -> tuple[httpx2.Response, bytes]:
        body = bytearray()
        async with self._http.stream("GET", url, headers=headers) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise unavailable("GitHub's answer is too large.")
        return response, bytes(body)

    def _repositories_url(self, page: int, per_page: int) -> str:
        query = {
            "affiliation": "owner,collaborator,organization_member",
            "sort": "pushed",
            "direction": "desc",
            "per_page": per_page,
            "page": page,
        }
        return f"{self._base}/user/repos?{urlencode(query)}"

    def _repository_url(self, owner: str, repo: str) -> str:
        if {owner, repo} & {".", ".."}:
            raise NotFound(f"GitHub has no repository {owner}/{repo}.", "Check the name.")
        return f"{self._base}/repos/{quote(owner, safe='')}/{quote(repo, safe='')}"

    def _same_host(self, url: str | None) -> str | None:
        """The address if it is on our GitHub: the token goes nowhere else."""
        if not url:
            return None
        base, parts = urlsplit(self._base), urlsplit(url)
        if (parts.scheme, parts.netloc.lower()) != (base.scheme, base.netloc.lower()):
            log.warning("GitHub's answer leads to another host, which is not asked")
            return None
        return url


class _EmptyRepository(ButlerError):
    """A repository without any commit has no contents, which GitHub takes for an error."""

    def __init__(self) -> None:
        super().__init__("The repository is empty.")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError) as error:
        raise not_understood() from error


def _following(answer: Answer, page: int) -> int | None:
    return page + 1 if answer.next_url else None


def _sees_private(answer: Answer) -> bool | None:
    return None if answer.scopes is None else "repo" in answer.scopes


def _holds(repository: Repository, wanted: str) -> bool:
    return wanted in repository.full_name.casefold() or wanted in (repository.description or "").casefold()
