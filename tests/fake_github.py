"""A GitHub of one's own: tokens and scopes, private repositories, paging, tags, rate limits, and git over HTTP.

What it answers is held to GitHub's own description (`github_description.json`) by `tests/api/test_github_api.py`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

GIT = ["git", "-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "init.defaultBranch=main"]
RESET_SECONDS = 90
URLS = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads "
    "events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges "
    "milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees"
).split()
USER_URLS = "followers following gists starred subscriptions organizations repos events received_events".split()


@dataclass
class Token:
    """A token: whose it is and what it may. `scopes` None stands for a fine-grained one."""

    login: str
    scopes: tuple[str, ...] | None = ("repo",)
    is_expired: bool = False
    needs_sso: bool = False


@dataclass
class Repo:
    """A repository, bare on disk."""

    full_name: str
    bare: Path
    private: bool = False
    description: str | None = None
    readers: tuple[str, ...] = ()
    pushed_at: str = "2024-01-15T10:30:00Z"
    number: int = 1

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.partition("/")[2]

    def git(self, *words: str) -> str:
        return subprocess.run(["git", "-C", str(self.bare), *words], check=True, capture_output=True, text=True).stdout

    def branches(self) -> list[tuple[str, str]]:
        lines = self.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
        return [(line.split()[0], line.split()[1]) for line in lines]


@dataclass
class FakeGithub:
    """The state of it. `remaining` requests are left before the rate limit; `link_host` is where `Link` points."""

    folder: Path
    port: int
    tokens: dict[str, Token] = field(default_factory=dict)
    repos: dict[str, Repo] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    remaining: int = 5000
    is_abused: bool = False
    link_host: str | None = None
    broken: bytes | None = None
    asked: list[str] = field(default_factory=list)
    unchanged: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, full_name: str, files: Mapping[str, str] | None = None, **more: Any) -> Repo:
        """A repository with one commit, or without any where there are no files."""
        bare = self.folder / f"{full_name}.git"
        subprocess.run([*GIT, "init", "--quiet", "--bare", str(bare)], check=True)
        self.repos[full_name] = Repo(full_name, bare, number=len(self.repos) + 1, **more)
        if files:
            self.push(full_name, files)
        return self.repos[full_name]

    def adopt(self, full_name: str, bare: Path, **more: Any) -> Repo:
        """A copy of a bare repository, which is quicker than a new one."""
        target = self.folder / f"{full_name}.git"
        shutil.copytree(bare, target)
        self.repos[full_name] = Repo(full_name, target, number=len(self.repos) + 1, **more)
        return self.repos[full_name]

    def push(
        self, full_name: str, files: Mapping[str, str], *, branch: str = "main", message: str = "A change"
    ) -> None:
        """Commit files on top of what is there and push them to a branch."""
        bare, work = self.repos[full_name].bare, self.folder / "work" / full_name
        git = [*GIT, "-C", str(work)]
        if not work.exists():
            subprocess.run([*GIT, "clone", "--quiet", str(bare), str(work)], check=True, capture_output=True)
        for name, text in files.items():
            path = work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        subprocess.run([*git, "add", "--all"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", message], check=True)
        subprocess.run([*git, "push", "--quiet", str(bare), f"HEAD:{branch}"], check=True)

    def may_see(self, token: Token | None, repo: Repo) -> bool:
        if not repo.private:
            return True
        if token is None or (token.scopes is not None and "repo" not in token.scopes):
            return False
        return token.login == repo.owner or token.login in repo.readers


def create_app(github: FakeGithub) -> FastAPI:
    """The API and the Git server of it, in one."""
    app = FastAPI(openapi_url=None)

    @app.middleware("http")
    async def counted(request: Request, follow: Any) -> Response:
        if request.url.path.partition(".git/")[1]:
            return await follow(request)
        github.asked.append(f"{request.url.path}?{request.url.query}".rstrip("?"))
        refused = _refused(github, request)
        response = refused or await follow(request)
        token = _token(github, request)
        if token is not None and token.scopes is not None:
            response.headers["X-OAuth-Scopes"] = ", ".join(token.scopes)
        response.headers["X-RateLimit-Limit"] = "5000"
        response.headers["X-RateLimit-Remaining"] = str(github.remaining)
        response.headers["X-RateLimit-Reset"] = str(int(time.time()) + RESET_SECONDS)
        return response

    @app.get("/user/repos")
    def user_repos(request: Request, per_page: int = 30, page: int = 1) -> Response:
        token = _token(github, request)
        if token is None:
            return _error(401, "Requires authentication")
        mine = [
            repo
            for repo in github.repos.values()
            if (repo.owner == token.login or token.login in repo.readers) and github.may_see(token, repo)
        ]
        mine.sort(key=lambda repo: repo.pushed_at, reverse=True)
        return _page(github, request, [_repository(github, repo) for repo in mine], page, per_page)

    @app.get("/repos/{owner}/{name}/branches")
    def branches(request: Request, owner: str, name: str, per_page: int = 30, page: int = 1) -> Response:
        repo = _visible(github, request, owner, name)
        if isinstance(repo, Response):
            return repo
        shown = [
            {"name": branch, "commit": {"sha": sha, "url": f"{github.url}/c/{sha}"}, "protected": branch == "main"}
            for branch, sha in repo.branches()
        ]
        return _page(github, request, shown, page, per_page)

    @app.get("/repos/{owner}/{name}/contents")
    @app.get("/repos/{owner}/{name}/contents/{path:path}")
    def contents(request: Request, owner: str, name: str, path: str = "", ref: str = "HEAD") -> Response:
        repo = _visible(github, request, owner, name)
        if isinstance(repo, Response):
            return repo
        if not repo.branches():
            return _error(404, "This repository is empty.")
        return _contents(github, request, repo, path.strip("/"), ref)

    @app.api_route("/{owner}/{name}.git/{rest:path}", methods=["GET", "POST"])
    async def git(request: Request, owner: str, name: str, rest: str) -> Response:
        return await _git(github, request, owner, name, rest)

    return app


@contextmanager
def serve(folder: Path) -> Iterator[FakeGithub]:
    """A fake that listens on a port of its own for as long as the block runs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        github = FakeGithub(folder, int(listener.getsockname()[1]))
        config = uvicorn.Config(create_app(github), log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield github
        finally:
            server.should_exit = True
            thread.join(10)


def _token(github: FakeGithub, request: Request) -> Token | None:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        secret = base64.b64decode(secret).decode().partition(":")[2]
    token = github.tokens.get(secret)
    return None if token is None or token.is_expired else token


def _refused(github: FakeGithub, request: Request) -> Response | None:
    if github.broken is not None:
        return Response(github.broken, 200, media_type="application/json")
    token = _token(github, request)
    if "authorization" in request.headers and token is None:
        return _error(401, "Bad credentials")
    if github.is_abused:
        headers = {"Retry-After": "17"}
        return _error(403, "You have exceeded a secondary rate limit. Please wait.", headers)
    if github.remaining == 0:
        return _error(403, "API rate limit exceeded for user ID 1.")
    if token is not None and token.needs_sso:
        headers = {"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?authorization_request=x"}
        return _error(403, "Resource protected by organization SAML enforcement.", headers)
    github.remaining -= 1
    return None


def _visible(github: FakeGithub, request: Request, owner: str, name: str) -> Repo | Response:
    full_name = f"{owner}/{name}"
    if full_name in github.renamed:
        target = str(request.url).replace(full_name, github.renamed[full_name])
        return Response(status_code=301, headers={"Location": target})
    repo = github.repos.get(full_name)
    if repo is None or not github.may_see(_token(github, request), repo):
        return _error(404, "Not Found")
    return repo


def _page(github: FakeGithub, request: Request, items: list[Any], page: int, per_page: int) -> Response:
    first = (page - 1) * per_page
    headers = {}
    if first + per_page < len(items):
        query = urlencode({**request.query_params, "page": page + 1, "per_page": per_page})
        headers["Link"] = f'<{github.link_host or github.url}{request.url.path}?{query}>; rel="next"'
    return _answer(github, request, items[first : first + per_page], headers)


def _answer(github: FakeGithub, request: Request, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    text = json.dumps(body).encode()
    tag = f'W/"{hashlib.sha256(text).hexdigest()}"'
    if request.headers.get("if-none-match") == tag:
        github.unchanged += 1
        github.remaining += 1  # GitHub does not count these
        return Response(status_code=304, headers={"ETag": tag, **(headers or {})})
    return Response(text, headers={"ETag": tag, **(headers or {})}, media_type="application/json")


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return Response(json.dumps(body), status, headers=headers, media_type="application/json")


def _contents(github: FakeGithub, request: Request, repo: Repo, path: str, ref: str) -> Response:
    try:
        kind = repo.git("cat-file", "-t", f"{ref}:{path}").strip()
    except subprocess.CalledProcessError:
        known = ref == "HEAD" or ref in dict(repo.branches())
        return _error(404, "Not Found" if known else f"No commit found for the ref {ref}")
    if kind == "blob":
        text = repo.git("show", f"{ref}:{path}")
        entry = _entry(github, repo, "file", path, len(text), repo.git("rev-parse", f"{ref}:{path}").strip())
        encoded = base64.b64encode(text.encode()).decode()
        return _answer(github, request, {**entry, "content": encoded, "encoding": "base64"})
    entries = []
    for line in repo.git("ls-tree", "--long", f"{ref}:{path}").splitlines():
        facts, _, name = line.partition("\t")
        mode, _type, sha, size = facts.split()
        shown = {"040000": "dir", "160000": "submodule", "120000": "symlink"}.get(mode, "file")
        full = f"{path}/{name}".strip("/")
        entries.append(_entry(github, repo, shown, full, int(size) if size.isdigit() else 0, sha))
    return _answer(github, request, entries)


def _entry(github: FakeGithub, repo: Repo, kind: str, path: str, size: int, sha: str) -> dict[str, Any]:
    url = f"{github.url}/repos/{repo.full_name}/contents/{path}"
    web = f"{github.url}/{repo.full_name}/blob/{path}"
    return {
        "type": "file" if kind == "submodule" else kind,
        "size": size,
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "url": url,
        "git_url": f"{github.url}/git/{sha}",
        "html_url": web,
        "download_url": web if kind in ("file", "symlink") else None,
        "_links": {"self": url, "git": f"{github.url}/git/{sha}", "html": web},
    }


def _repository(github: FakeGithub, repo: Repo) -> dict[str, Any]:
    api, web = f"{github.url}/repos/{repo.full_name}", f"{github.url}/{repo.full_name}"
    counts = dict.fromkeys(("forks", "forks_count", "open_issues", "open_issues_count", "size"), 0)
    watched = dict.fromkeys(("stargazers_count", "watchers", "watchers_count"), 0)
    flags = dict.fromkeys(("fork", "archived", "disabled", "has_downloads", "has_pages", "has_projects"), False)
    return {
        **{f"{name}_url": f"{api}/{name}" for name in URLS},
        **counts,
        **watched,
        **flags,
        "has_issues": True,
        "has_wiki": True,
        "id": repo.number,
        "node_id": f"R_{repo.number}",
        "name": repo.name,
        "full_name": repo.full_name,
        "owner": _owner(github, repo.owner),
        "private": repo.private,
        "description": repo.description,
        "language": "Python",
        "default_branch": "main",
        "homepage": None,
        "mirror_url": None,
        "license": None,
        "url": api,
        "html_url": web,
        "clone_url": f"{web}.git",
        "git_url": f"git://127.0.0.1:{github.port}/{repo.full_name}.git",
        "ssh_url": f"git@127.0.0.1:{repo.full_name}.git",
        "svn_url": web,
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": repo.pushed_at,
        "pushed_at": repo.pushed_at,
    }


def _owner(github: FakeGithub, login: str) -> dict[str, Any]:
    api = f"{github.url}/users/{login}"
    return {
        **{f"{name}_url": f"{api}/{name}" for name in USER_URLS},
        "login": login,
        "id": 1,
        "node_id": "U_1",
        "avatar_url": f"{github.url}/avatars/1",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{github.url}/{login}",
        "type": "User",
        "site_admin": False,
    }


async def _git(github: FakeGithub, request: Request, owner: str, name: str, rest: str) -> Response:
    """Git's own server program, behind the same rights; a private repository asks for credentials, as GitHub does."""
    repo = github.repos.get(f"{owner}/{name}")
    if repo is None or not github.may_see(_token(github, request), repo):
        return Response("Repository not found.", 401, headers={"WWW-Authenticate": 'Basic realm="GitHub"'})
    environment = {
        **os.environ,
        "GIT_PROJECT_ROOT": str(github.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{owner}/{name}.git/{rest}",
        "QUERY_STRING": request.url.query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_ADDR": "127.0.0.1",
    }
    body = await request.body()
    environment["CONTENT_LENGTH"] = str(len(body))
    ran = await run_in_threadpool(
        subprocess.run, ["git", "http-backend"], input=body, capture_output=True, env=environment, check=True
    )
    head, _, content = ran.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
    status = int(headers.pop("Status", "200 OK").split()[0])
    return Response(content, status, headers=headers)
