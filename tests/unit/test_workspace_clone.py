"""Cloning, with real git and a Git server on loopback: what arrives, what is refused, and what is left behind."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stamina

import shell
from domain import DeployRequest, Event, EventKind, Secret, Stage
from robust_error_handler import Code, DeploymentFailed, ToolMissing
from settings import Settings, tool_environment
from workspace import clone, contents, hosts, remove_leftovers

TOKEN = "ghp_TESTtoken0123456789"
GIT_ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "Ann"), ("EMAIL", "a@b.test"))},
}  # fmt: skip


def git(*words: str, cwd: Path, stdin: bytes | None = None) -> str:
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *words], cwd=cwd, env=GIT_ENV, check=True, capture_output=True, input=stdin
    )  # fmt: skip
    return done.stdout.decode().strip()


class GitServer(ThreadingHTTPServer):
    """`git http-backend` behind the first part of a path, which says how the server behaves."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.hits: list[tuple[str, str]] = []
        self.watch: Callable[[], None] = lambda: None
        self.elsewhere = ""
        self.failures = 0
        self.released = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what many of these tests are about."""

    def stop(self) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: GitServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.hits.append((self.path, self.headers.get("Authorization", "")))
        _, behaviour, rest = self.path.split("/", 2)
        getattr(self, behaviour)(rest)

    do_POST = do_GET

    def plain(self, rest: str) -> None:
        self.server.watch()
        path, _, query = rest.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        environment = {
            **GIT_ENV,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.answer(int(fields.pop("Status", "200").split()[0]), fields, content)

    def private(self, rest: str) -> None:
        wanted = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            return self.answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
        self.plain(rest)

    def picky(self, rest: str) -> None:
        """A public repository on a host that refuses a token it does not know."""
        self.answer(401, {"WWW-Authenticate": 'Basic realm="x"'}) if "Authorization" in self.headers else self.plain(
            rest
        )

    def moved(self, rest: str) -> None:
        self.answer(301, {"Location": f"/plain/{rest}"})

    def circle(self, rest: str) -> None:
        self.answer(302, {"Location": f"/circle/{rest}"})

    def away(self, rest: str) -> None:
        self.answer(302, {"Location": f"{self.server.elsewhere}/plain/{rest}"})

    def page(self, rest: str) -> None:
        self.answer(302, {"Location": "/login"})

    def missing(self, rest: str) -> None:
        self.answer(404, {})

    def busy(self, rest: str) -> None:
        self.answer(503, {})

    def flaky(self, rest: str) -> None:
        if self.server.failures:
            self.server.failures -= 1
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.plain(rest)

    def stall(self, rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.end_headers()
        self.wfile.flush()
        self.server.released.wait(60)

    def answer(self, status: int, fields: dict[str, str], content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _chunks(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        return body


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repositories")
    app = root / "app"
    (app / "web").mkdir(parents=True)
    git("init", "-q", "-b", "main", ".", cwd=app)
    (app / "README.md").write_text("first")
    git("add", ".", cwd=app)
    git("commit", "-qm", "First", cwd=app)
    (app / "README.md").write_text("second")
    (app / "web" / "index.html").write_text("<h1>hi</h1>")
    (app / "-rf").write_text("dash")
    (app / "new\nline").write_text("odd")
    (app / "real").write_text("text")
    (app / "link").symlink_to("real")
    (app / "web" / "up").symlink_to("../real")
    (app / "run.sh").write_text("#!/bin/sh\n")
    (app / "run.sh").chmod(0o755)
    git("add", ".", cwd=app)
    git("commit", "-qm", "Second: with a link\n\nand a body", cwd=app)
    git("tag", "v1", cwd=app)
    for name in ("dev", "feature/login"):
        git("branch", name, cwd=app)
    git("clone", "-q", "--bare", "app", "app.git", cwd=root)
    return root


@pytest.fixture
def server(repositories: Path) -> Iterator[GitServer]:
    server = GitServer(repositories)
    yield server
    server.stop()


@pytest.fixture
def settings(tmp_path: Path, server: GitServer) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        allowed_private_hosts=(server.address,),
        allow_local_repositories=True,
        github_api_url=f"http://{server.address}",
        min_free_disk_mb=1,
    )


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


class Log(list[Event]):
    """The events of one clone."""

    def texts(self, kind: EventKind | None = None) -> list[str]:
        return [event.text for event in self if kind in (None, event.kind)]


def request_for(url: str, **fields: Any) -> DeployRequest:
    return DeployRequest(git_url=url, container_name="ann-app-0a1b2c3d", user_id=1, **fields)


def repository(root: Path, name: str, files: dict[str, str], links: dict[str, str] | None = None) -> str:
    folder = root / name
    folder.mkdir(parents=True)
    git("init", "-q", "-b", "main", ".", cwd=folder)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    for path, target in (links or {}).items():
        (folder / path).symlink_to(target)
    git("add", "-A", ".", cwd=folder)
    git("commit", "-qm", "All", cwd=folder)
    return f"file://{folder}"


async def failure(request: DeployRequest, settings: Settings, log: Log | None = None) -> DeploymentFailed:
    with pytest.raises(DeploymentFailed) as caught:
        async with clone(request, (log if log is not None else Log()).append, settings):
            raise AssertionError("it was cloned")
    assert caught.value.message and caught.value.hint
    assert list(settings.work_dir.iterdir()) == []
    return caught.value


def refuse_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stream(argv: object, *_: object, **__: object) -> int:
        raise AssertionError(f"a process was started: {argv}")

    monkeypatch.setattr(shell, "stream", stream)


# --- what arrives


async def test_a_clone_brings_files_commit_and_progress(server: GitServer, settings: Settings) -> None:
    log = Log()
    async with clone(request_for(f"http://{server.address}/plain/app.git"), log.append, settings) as checkout:
        root = checkout.workspace.root
        assert checkout.workspace.read_text("README.md") == "second"
        assert (root / "-rf").read_text() == "dash" and (root / "new\nline").read_text() == "odd"
        assert os.readlink(root / "link") == "real" and checkout.workspace.read_text("web/up") == "text"
        assert (root / "run.sh").stat().st_mode & stat.S_IXUSR and not (root / "real").stat().st_mode & stat.S_IXUSR
        assert not (root / ".git").exists()
        assert checkout.commit.subject == "Second: with a link" and checkout.commit.author == "Ann"
        assert checkout.commit.branch == "main"
        assert checkout.commit.sha == git("rev-parse", "main", cwd=server.root / "app")
        assert checkout.commit.tree == git("rev-parse", "main^{tree}", cwd=server.root / "app")
        assert checkout.generated.is_dir() and checkout.generated.parent == root.parent
        assert list(checkout.generated.iterdir()) == []
        assert root.parent.stat().st_mode & 0o777 == 0o700 and root.is_relative_to(settings.work_dir.resolve())
    assert list(settings.work_dir.iterdir()) == []
    assert {event.stage for event in log} == {Stage.CLONE}
    assert any("Receiving objects: 100%" in text for text in log.texts(EventKind.LINE))
    assert not any(str(settings.data_dir) in text for text in log.texts())


async def test_a_local_repository_is_cloned_shallow_too(repositories: Path, settings: Settings) -> None:
    log = Log()
    async with clone(request_for(f"file://{repositories}/app"), log.append, settings) as checkout:
        assert checkout.workspace.read_text("README.md") == "second"
    first, second = (git("rev-list", "--count", name, cwd=repositories / "app") for name in ("main~1", "main"))
    assert (first, second) == ("1", "2")
    objects = int(git("rev-list", "--objects", "--no-object-names", "--count", "main", cwd=repositories / "app"))
    received = next(text for text in log.texts() if text.startswith("Receiving objects: 100%"))
    assert int(received.split("/")[1].split(")")[0]) < objects


@pytest.mark.parametrize("branch", ["dev", "feature/login", "v1"])
async def test_a_branch_or_a_tag_can_be_asked_for(server: GitServer, settings: Settings, branch: str) -> None:
    request = request_for(f"http://{server.address}/plain/app.git", branch=branch)
    async with clone(request, Log().append, settings) as checkout:
        assert checkout.commit.branch == branch


async def test_a_subdirectory_is_the_root_of_what_is_deployed(server: GitServer, settings: Settings) -> None:
    request = request_for(f"http://{server.address}/plain/app.git", subdirectory="web")
    async with clone(request, Log().append, settings) as checkout:
        assert checkout.workspace.subdirectory == "web" and checkout.workspace.files() == ("index.html", "up")


async def test_a_web_page_of_a_branch_with_a_slash_is_understood(
    server: GitServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handler, "ann", Handler.plain, raising=False)
    request = request_for(f"http://{server.address}/ann/app.git/tree/feature/login/web")
    async with clone(request, Log().append, settings) as checkout:
        assert checkout.commit.branch == "feature/login" and checkout.workspace.subdirectory == "web"


async def test_few_processes_are_started(
    server: GitServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    real = shell.stream

    async def stream(argv: list[str], *rest: Any, **options: Any) -> int:
        started.append(argv)
        return await real(argv, *rest, **options)

    monkeypatch.setattr(shell, "stream", stream)
    async with clone(request_for(f"http://{server.address}/plain/app.git"), Log().append, settings):
        pass
    assert len(started) == 3


# --- tokens


async def test_the_token_arrives_as_a_header_and_stands_nowhere_else(server: GitServer, settings: Settings) -> None:
    encoded = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    seen: list[str] = []

    def look_around() -> None:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        seen.extend(file.read_text() for file in settings.work_dir.glob("*/src/.git/config"))
        seen.extend(str(file) for file in settings.work_dir.glob("*/*"))

    server.watch = look_around
    log = Log()
    request = request_for(f"http://{server.address}/private/app.git", github_token=Secret(TOKEN))
    async with clone(request, log.append, settings) as checkout:
        assert checkout.workspace.exists("README.md")
    assert {header for _, header in server.hits} == {f"Basic {encoded}"}
    assert any("clone" in text and "/private/app.git" in text for text in seen), "the scan saw the git process"
    assert any("[remote" in text for text in seen), "the scan saw .git/config"
    for text in (*seen, *log.texts(), repr(log), repr(request)):
        assert TOKEN not in text and encoded not in text


async def test_a_token_goes_to_its_own_host_only(server: GitServer, settings: Settings) -> None:
    other = settings.model_copy(update={"github_api_url": "https://api.github.com"})
    request = request_for(f"http://{server.address}/plain/app.git", github_token=Secret(TOKEN))
    async with clone(request, Log().append, other):
        pass
    assert {header for _, header in server.hits} == {""}


async def test_a_token_that_has_expired_does_not_block_a_public_repository(
    server: GitServer, settings: Settings
) -> None:
    request = request_for(f"http://{server.address}/picky/app.git", github_token=Secret("old"))
    async with clone(request, Log().append, settings) as checkout:
        assert checkout.workspace.exists("README.md")


async def test_a_private_repository_without_a_token_says_how_to_store_one(
    server: GitServer, settings: Settings
) -> None:
    started = time.monotonic()
    error = await failure(request_for(f"http://{server.address}/private/app.git"), settings)
    assert error.code is Code.REPOSITORY_PRIVATE and time.monotonic() - started < 5
    assert "private" in error.message and "does not exist" in error.message
    assert "PUT /api/auth/github-token" in error.hint and "Check the spelling" in error.hint
    assert len(server.hits) <= 2, "no second attempt"


async def test_a_private_repository_with_a_useless_token_says_so(server: GitServer, settings: Settings) -> None:
    request = request_for(f"http://{server.address}/private/app.git", github_token=Secret("wrong"))
    error = await failure(request, settings)
    assert error.code is Code.REPOSITORY_PRIVATE and "stored GitHub token was tried" in error.hint


async def test_a_repository_that_is_not_there_is_not_tried_again(server: GitServer, settings: Settings) -> None:
    error = await failure(request_for(f"http://{server.address}/missing/app.git"), settings)
    assert error.code is Code.REPOSITORY_PRIVATE and len(server.hits) == 1


# --- where it may lead


async def test_a_redirect_to_an_internal_listener_is_not_followed(
    server: GitServer, settings: Settings, repositories: Path
) -> None:
    internal = GitServer(repositories)
    server.elsewhere = f"http://{internal.address}"
    try:
        error = await failure(
            request_for(f"http://{server.address}/away/app.git", github_token=Secret(TOKEN)), settings
        )
    finally:
        internal.stop()
    assert error.code is Code.CLONE_REFUSED and internal.hits == []


async def test_a_redirect_to_a_host_that_is_allowed_goes_without_the_token(
    server: GitServer, settings: Settings, repositories: Path
) -> None:
    other = GitServer(repositories)
    server.elsewhere = f"http://{other.address}"
    both = settings.model_copy(update={"allowed_private_hosts": (server.address, other.address)})
    try:
        request = request_for(f"http://{server.address}/away/app.git", github_token=Secret(TOKEN))
        async with clone(request, Log().append, both) as checkout:
            assert checkout.workspace.exists("README.md")
    finally:
        other.stop()
    assert other.hits and {header for _, header in other.hits} == {""}


async def test_a_renamed_repository_is_followed_and_that_is_said(server: GitServer, settings: Settings) -> None:
    log = Log()
    async with clone(request_for(f"http://{server.address}/moved/app.git"), log.append, settings) as checkout:
        assert checkout.workspace.exists("README.md")
    assert f"The repository has moved to http://{server.address}/plain/app.git." in log.texts(EventKind.NOTE)


@pytest.mark.parametrize("behaviour", ["circle", "page"])
async def test_redirects_that_lead_nowhere_end(server: GitServer, settings: Settings, behaviour: str) -> None:
    error = await failure(request_for(f"http://{server.address}/{behaviour}/app.git"), settings)
    assert error.code is Code.CLONE_REFUSED and len(server.hits) < 10


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "0.0.0.0", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::127.0.0.1]", "224.0.0.1", "[ff02::1]"],
)  # fmt: skip
async def test_no_private_address_is_ever_reached(
    server: GitServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    refuse_processes(monkeypatch)
    port = server.address.partition(":")[2]
    strict = settings.model_copy(update={"allowed_private_hosts": ()})
    error = await failure(request_for(f"https://{host}:{port}/plain/app.git"), strict)
    assert error.code is Code.CLONE_REFUSED and "not on the public internet" in error.message
    assert "BUTLER_ALLOWED_PRIVATE_HOSTS" in error.hint and server.hits == []


@pytest.mark.parametrize("addresses", [("140.82.121.3", "127.0.0.1"), ("127.0.0.1", "140.82.121.3"), ("10.1.2.3",)])
async def test_one_private_address_of_a_name_is_one_too_many(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    async def resolve(_: object) -> tuple[str, ...]:
        return addresses

    monkeypatch.setattr(hosts, "_resolve", resolve)
    refuse_processes(monkeypatch)
    error = await failure(request_for("https://git.test/o/r"), settings)
    assert error.code is Code.CLONE_REFUSED


async def test_git_connects_to_the_address_that_was_checked(
    server: GitServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git.test` is in no name server: that the clone works shows that git did not ask one."""

    async def resolve(_: object) -> tuple[str, ...]:
        return ("127.0.0.1",)

    monkeypatch.setattr(hosts, "_resolve", resolve)
    port = server.address.partition(":")[2]
    allowed = settings.model_copy(update={"allowed_private_hosts": ("git.test",)})
    async with clone(request_for(f"http://git.test:{port}/moved/app.git"), Log().append, allowed) as checkout:
        assert checkout.workspace.exists("README.md")


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% {}", "--upload-pack=touch {}", "https://git.test/a;touch {}", "fd::3"]
)
async def test_an_address_that_is_a_command_starts_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    refuse_processes(monkeypatch)
    error = await failure(request_for(url.format(tmp_path / "canary")), settings)
    assert error.code is Code.CLONE_REFUSED and not (tmp_path / "canary").exists()


async def test_a_local_path_is_refused_unless_allowed(repositories: Path, settings: Settings) -> None:
    strict = settings.model_copy(update={"allow_local_repositories": False})
    error = await failure(request_for(f"file://{repositories}/app"), strict)
    assert error.code is Code.CLONE_REFUSED and "BUTLER_ALLOW_LOCAL_REPOSITORIES" in error.hint


async def test_nothing_of_the_server_owners_git_is_used(
    server: GitServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canary"
    home = tmp_path / "owner"
    for folder in ("hooks", "template/hooks"):
        (home / folder).mkdir(parents=True)
        for hook in ("post-checkout", "reference-transaction", "post-index-change"):
            (home / folder / hook).write_text(f"#!/bin/sh\ntouch {canary}-hook\n")
            (home / folder / hook).chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\nhooksPath={home}/hooks\nfsmonitor=touch {canary}-monitor\n[init]\ntemplateDir={home}/template\n"
        f"[credential]\nhelper=!touch {canary}-helper\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_ASKPASS", f"touch {canary}-askpass")
    tool_environment.cache_clear()
    try:
        async with clone(request_for(f"http://{server.address}/plain/app.git"), Log().append, settings):
            pass
        await failure(request_for(f"http://{server.address}/private/app.git"), settings)
    finally:
        monkeypatch.undo()
        tool_environment.cache_clear()
    assert list(tmp_path.glob("canary*")) == []


# --- the network


async def test_a_connection_that_breaks_once_is_tried_again_and_that_is_said(
    server: GitServer, settings: Settings
) -> None:
    server.failures = 1
    log = Log()
    async with clone(request_for(f"http://{server.address}/flaky/app.git"), log.append, settings) as checkout:
        assert checkout.workspace.exists("README.md")
    assert any("Trying again (2 of 3)" in text for text in log.texts(EventKind.NOTE))


@pytest.mark.parametrize("behaviour", ["busy", "refused"])
async def test_a_host_that_stays_away_is_tried_three_times(
    server: GitServer, settings: Settings, behaviour: str
) -> None:
    url = f"http://{server.address}/busy/app.git"
    if behaviour == "refused":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/app.git"
    log = Log()
    allowed = settings.model_copy(update={"allowed_private_hosts": ("127.0.0.1",)})
    error = await failure(request_for(url), allowed, log)
    assert error.code is Code.NETWORK
    tries = [text.partition("Trying again")[2] for text in log.texts(EventKind.NOTE)]
    assert tries == [" (2 of 3).", " (3 of 3)."]


@pytest.mark.parametrize(("number", "attempts"), [(socket.EAI_AGAIN, 3), (socket.EAI_NONAME, 1)])
async def test_a_name_server_that_is_away_is_asked_again_and_an_unknown_name_is_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, number: int, attempts: int
) -> None:
    asked = []

    async def resolve(address: object) -> tuple[str, ...]:
        asked.append(address)
        raise socket.gaierror(number, "no")

    monkeypatch.setattr(hosts, "_resolve", resolve)
    monkeypatch.setattr(hosts, "_has_proxy", lambda: False)
    error = await failure(request_for("https://git.test/o/r"), settings)
    assert error.code is Code.NETWORK and "git.test" in error.message and len(asked) == attempts


async def test_a_server_that_never_finishes_is_left_in_time(server: GitServer, settings: Settings) -> None:
    hasty = settings.model_copy(update={"clone_timeout_seconds": 1})
    started = time.monotonic()
    error = await failure(request_for(f"http://{server.address}/stall/app.git"), hasty)
    assert error.code is Code.TIMEOUT and "the repository" in error.message
    assert time.monotonic() - started < 4
    assert not git_processes(settings)


async def test_a_cancelled_clone_leaves_no_folder_and_no_process(server: GitServer, settings: Settings) -> None:
    async def run() -> None:
        async with clone(request_for(f"http://{server.address}/stall/app.git"), Log().append, settings):
            raise AssertionError("it was cloned")

    task = asyncio.create_task(run())
    for _ in range(500):
        await asyncio.sleep(0.02)
        if server.hits:
            break
    assert git_processes(settings)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(settings.work_dir.iterdir()) == [] and not git_processes(settings)


async def test_what_goes_wrong_later_removes_the_folder_too(repositories: Path, settings: Settings) -> None:
    with pytest.raises(ZeroDivisionError):
        async with clone(request_for(f"file://{repositories}/app"), Log().append, settings) as checkout:
            locked = checkout.workspace.root / "locked"
            locked.mkdir()
            (locked / "file").touch()
            locked.chmod(0o500)
            raise ZeroDivisionError
    assert list(settings.work_dir.iterdir()) == []


async def test_git_that_is_not_installed_is_said(
    settings: Settings, repositories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    tool_environment.cache_clear()
    try:
        with pytest.raises(ToolMissing):
            async with clone(request_for(f"file://{repositories}/app"), Log().append, settings):
                pass
    finally:
        monkeypatch.undo()
        tool_environment.cache_clear()
    assert list(settings.work_dir.iterdir()) == []


def git_processes(settings: Settings) -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*"):
        try:
            if str(os.readlink(file / "cwd")).startswith(str(settings.work_dir.resolve())):
                found.append((file / "cmdline").read_text())
        except OSError:
            continue
    return found


# --- what a repository may hold


async def test_a_branch_that_is_missing_is_named_with_those_that_exist(server: GitServer, settings: Settings) -> None:
    error = await failure(request_for(f"http://{server.address}/plain/app.git", branch="mian"), settings)
    assert error.code is Code.BRANCH_MISSING and "'mian'" in error.message
    assert "main, dev, feature/login" in error.hint


async def test_no_more_than_ten_branches_are_listed(tmp_path: Path, settings: Settings) -> None:
    url = repository(tmp_path, "many", {"a": ""})
    for number in range(14):
        git("branch", f"b{number:02}", cwd=tmp_path / "many")
    error = await failure(request_for(url, branch="none"), settings)
    assert "b08" in error.hint and "b09" not in error.hint and "and 5 more" in error.hint


async def test_an_empty_repository_is_said_to_be_empty(tmp_path: Path, settings: Settings) -> None:
    git("init", "-q", "--bare", "empty.git", cwd=tmp_path)
    error = await failure(request_for(f"file://{tmp_path}/empty.git"), settings)
    assert error.code is Code.NOTHING_RECOGNISED and "empty" in error.message


async def test_a_folder_that_is_no_repository_is_said_to_be_none(tmp_path: Path, settings: Settings) -> None:
    error = await failure(request_for(f"file://{tmp_path}/nothing"), settings)
    assert error.code in (Code.CLONE_REFUSED, Code.REPOSITORY_PRIVATE)


async def test_a_subdirectory_that_is_missing_is_named_with_the_folders(server: GitServer, settings: Settings) -> None:
    request = request_for(f"http://{server.address}/plain/app.git", subdirectory="frontend")
    error = await failure(request, settings)
    assert error.code is Code.NOTHING_RECOGNISED and "'frontend'" in error.message and "web" in error.hint


@pytest.mark.parametrize(
    ("links", "named"),
    [
        ({"package.json": "/etc/passwd"}, "package.json"),
        ({"data": "/"}, "data"),
        ({"out": "../outside"}, "out"),
        ({"a/deep": "../../outside"}, "a/deep"),
        ({"b": "a/..", "c": "b/../../outside"}, "c"),
        ({"a/x": "..", "chain": "a/x/../x/../../outside"}, "chain"),
        ({'odd "name"\n': "/etc"}, "odd"),
    ],
)
async def test_a_link_that_leads_out_is_refused_by_name(
    tmp_path: Path, settings: Settings, links: dict[str, str], named: str
) -> None:
    url = repository(tmp_path, "links", {"a/file": ""}, links)
    error = await failure(request_for(url), settings)
    assert error.code is Code.UNSAFE_REPOSITORY and named in error.message


async def test_links_that_stay_inside_are_kept(tmp_path: Path, settings: Settings) -> None:
    links = {"dir": "a", "a/up": "..", "dangling": "nothing", "loop": "loop", "via": "dir/file"}
    url = repository(tmp_path, "links", {"a/file": "text"}, links)
    async with clone(request_for(url), Log().append, settings) as checkout:
        assert {name: os.readlink(checkout.workspace.root / name) for name in links} == links
        assert checkout.workspace.read_text("via") == "text"


async def test_too_many_files_are_refused(tmp_path: Path, settings: Settings) -> None:
    url = repository(tmp_path, "many", {f"f{number}": "" for number in range(30)})
    error = await failure(request_for(url), settings.model_copy(update={"max_repository_files": 20}))
    assert error.code is Code.REPOSITORY_TOO_LARGE and "20 files" in error.message
    assert "BUTLER_MAX_REPOSITORY_FILES" in error.hint


async def test_too_many_bytes_are_refused_before_they_are_written(tmp_path: Path, settings: Settings) -> None:
    url = repository(tmp_path, "big", {"zeros": "0" * 3_000_000})
    error = await failure(request_for(url), settings.model_copy(update={"max_repository_mb": 2}))
    assert error.code is Code.REPOSITORY_TOO_LARGE and "2 MiB" in error.message


async def test_a_pack_that_passes_the_limit_is_stopped_while_it_comes(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "noise"
    folder.mkdir()
    git("init", "-q", "-b", "main", ".", cwd=folder)
    (folder / "noise").write_bytes(os.urandom(4_000_000))
    git("add", ".", cwd=folder)
    git("commit", "-qm", "x", cwd=folder)
    error = await failure(request_for(f"file://{folder}"), settings.model_copy(update={"max_repository_mb": 1}))
    assert error.code is Code.REPOSITORY_TOO_LARGE


async def test_one_file_that_is_too_large_is_named(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MAX_FILE_MB", 1)
    url = repository(tmp_path, "big", {"video.mp4": "0" * 1_100_000})
    error = await failure(request_for(url), settings)
    assert error.code is Code.REPOSITORY_TOO_LARGE and "video.mp4" in error.message


async def test_a_bomb_of_nested_folders_is_never_listed_whole(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "bomb"
    folder.mkdir()
    git("init", "-q", "-b", "main", ".", cwd=folder)
    entry = "100644 blob " + git("hash-object", "-w", "--stdin", cwd=folder, stdin=b"x")
    for _ in range(10):
        tree = "".join(f"{entry}\tf{number}\n" for number in range(10)).encode()
        entry = "040000 tree " + git("mktree", cwd=folder, stdin=tree)
    commit = git("commit-tree", "-m", "x", entry.split()[-1], cwd=folder)
    git("update-ref", "refs/heads/main", commit, cwd=folder)
    started = time.monotonic()
    error = await failure(request_for(f"file://{folder}"), settings)
    assert error.code is Code.REPOSITORY_TOO_LARGE and time.monotonic() - started < 20


async def test_a_disk_that_is_nearly_full_is_said_before_anything_is_fetched(
    server: GitServer, settings: Settings
) -> None:
    error = await failure(
        request_for(f"http://{server.address}/plain/app.git"), settings.model_copy(update={"min_free_disk_mb": 10**9})
    )
    assert error.code is Code.DISK_FULL and server.hits == []


async def test_lfs_pointers_are_named_where_they_cannot_be_fetched(tmp_path: Path, settings: Settings) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
    url = repository(tmp_path, "lfs", {".gitattributes": "*.bin filter=lfs\n", "model.bin": pointer, "a": "b" * 200})
    log = Log()
    async with clone(request_for(url), log.append, settings) as checkout:
        assert checkout.workspace.read_text("model.bin") == pointer
    (warning,) = log.texts(EventKind.WARNING)
    assert "model.bin" in warning and "LFS" in warning


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
@pytest.mark.parametrize("limit", [1024, 1])
async def test_lfs_files_are_fetched_from_the_repositorys_own_store(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    content = os.urandom(1_500_000)
    oid = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    files = {".gitattributes": "*.bin filter=lfs\n", "model.bin": pointer}
    repository(tmp_path, "lfs", files | {".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1/evil\n"})

    def serve(self: Handler, rest: str) -> None:
        if rest.endswith("/objects/batch"):
            self.rfile.read(int(self.headers["Content-Length"]))
            href = f"http://{self.server.address}/object/{oid}"
            objects = [{"oid": oid, "size": len(content), "actions": {"download": {"href": href}}}]
            body = json.dumps({"transfer": "basic", "objects": objects}).encode()
            self.answer(200, {"Content-Type": "application/vnd.git-lfs+json"}, body)
        else:
            self.plain(rest)

    monkeypatch.setattr(Handler, "large", serve, raising=False)
    monkeypatch.setattr(Handler, "object", lambda self, _: self.answer(200, {}, content), raising=False)
    server = GitServer(tmp_path)
    update = {"allowed_private_hosts": (server.address,), "max_repository_mb": limit}
    log = Log()
    try:
        async with clone(
            request_for(f"http://{server.address}/large/lfs/.git"), log.append, settings.model_copy(update=update)
        ) as checkout:
            assert (checkout.workspace.root / "model.bin").read_bytes() == content and limit > 1
    except DeploymentFailed as error:
        assert error.code is Code.REPOSITORY_TOO_LARGE and limit == 1
    finally:
        server.stop()
    assert log.texts(EventKind.WARNING) == []


def with_submodule(root: Path, name: str, path: str, source: str, url: str) -> None:
    """A repository `name` whose folder `path` is `source`'s commit, said to come from `url`."""
    repository(root, name, {"own": "own"})
    sha = git("rev-parse", "HEAD", cwd=root / source)
    (root / name / ".gitmodules").write_text(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n')
    git("add", ".gitmodules", cwd=root / name)
    git("update-index", "--add", "--cacheinfo", f"160000,{sha},{path}", cwd=root / name)
    git("commit", "-qm", "Add a submodule", cwd=root / name)


async def submodule_clone(root: Path, settings: Settings, log: Log, name: str = "outer") -> dict[str, str]:
    server = GitServer(root)
    allowed = settings.model_copy(update={"allowed_private_hosts": (server.address,)})
    try:
        async with clone(request_for(f"http://{server.address}/plain/{name}/.git"), log.append, allowed) as checkout:
            assert list(checkout.workspace.root.rglob(".git")) == []
            return {path: checkout.workspace.read_text(path) or "" for path in checkout.workspace.files()}
    finally:
        server.stop()


async def test_submodules_come_along_two_deep(tmp_path: Path, settings: Settings) -> None:
    repository(tmp_path, "third", {"third.txt": "3"})
    with_submodule(tmp_path, "second", "lib/third", "third", "../../third/.git")
    with_submodule(tmp_path, "outer", "lib/second", "second", "../../second/.git")
    git(
        "commit",
        "--amend",
        "--allow-empty",
        "-qm",
        "later, so that the pinned commit is no branch's tip",
        cwd=tmp_path / "third",
    )
    log = Log()
    files = await submodule_clone(tmp_path, settings, log)
    assert log.texts(EventKind.WARNING) == []
    assert files["lib/second/lib/third/third.txt"] == "3" and files["lib/second/own"] == "own"


@pytest.mark.parametrize(
    "url", ["file://{root}/inner", "{root}/inner", "../inner\\", "ext::sh -c touch% {root}/canary", "--upload-pack=touch {root}/canary", "https://127.0.0.1:1/inner", "http://127.0.0.1:1/inner", "git@127.0.0.1:inner", "git://127.0.0.1/inner"]
)  # fmt: skip
async def test_a_submodule_from_a_forbidden_place_is_left_out_with_a_warning(
    tmp_path: Path, settings: Settings, url: str
) -> None:
    repository(tmp_path, "inner", {"inner.txt": ""})
    with_submodule(tmp_path, "outer", "lib", "inner", url.format(root=tmp_path))
    log = Log()
    try:
        files = await submodule_clone(tmp_path, settings, log)
    except DeploymentFailed as error:  # git's own check of .gitmodules comes first for some
        assert error.code is Code.UNSAFE_REPOSITORY
    else:
        assert files["own"] == "own" and "lib/inner.txt" not in files
        assert any("'lib'" in text for text in log.texts(EventKind.WARNING))
    assert not (tmp_path / "canary").exists()


async def test_limits_count_submodules_too(tmp_path: Path, settings: Settings) -> None:
    repository(tmp_path, "inner", {f"f{number}": "" for number in range(15)})
    with_submodule(tmp_path, "outer", "lib", "inner", "../../inner/.git")
    with pytest.raises(DeploymentFailed) as caught:
        await submodule_clone(tmp_path, settings.model_copy(update={"max_repository_files": 10}), Log())
    assert caught.value.code is Code.REPOSITORY_TOO_LARGE


async def test_a_submodules_links_may_not_lead_out_either(tmp_path: Path, settings: Settings) -> None:
    repository(tmp_path, "inner", {"a": ""}, {"out": "../../outside"})
    with_submodule(tmp_path, "outer", "lib", "inner", "../../inner/.git")
    with pytest.raises(DeploymentFailed) as caught:
        await submodule_clone(tmp_path, settings, Log())
    assert caught.value.code is Code.UNSAFE_REPOSITORY and "out" in caught.value.message


def test_what_a_killed_server_left_behind_can_be_removed(settings: Settings) -> None:
    assert remove_leftovers(settings) == 0
    (settings.work_dir / "old" / "src").mkdir(parents=True)
    assert remove_leftovers(settings) == 1 and list(settings.work_dir.iterdir()) == []
