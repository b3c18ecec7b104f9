"""What the tests on a real engine work with: a Butler in a process of its own, Git repositories, and its users."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parent.parent.parent
GIT = ["git", "-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "init.defaultBranch=main"]
EXAMPLES = ROOT / "tests" / "examples"
DEPLOY_SECONDS = 900


class Repository:
    """A Git repository on this machine that tests write to and commit in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet")

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def git(self, *words: str) -> str:
        return subprocess.run([*GIT, "-C", str(self.folder), *words], check=True, capture_output=True, text=True).stdout

    def commit(self, files: Mapping[str, str | bytes], message: str = "A change") -> str:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def copy_of(self, folder: Path, message: str = "The example") -> str:
        shutil.copytree(folder, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expect.yml"))
        return self.commit({}, message)


@dataclass
class Server:
    """One Butler in a process of its own."""

    data_dir: Path
    port: int
    settings: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = (str(ROOT / "orchestrator.py"),)
    process: subprocess.Popen[bytes] | None = None
    clients: list[Client] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def instance(self) -> str:
        return (self.data_dir / "instance-id").read_text().strip()

    def start(self) -> None:
        environment = {
            **os.environ,
            "BUTLER_PORT": str(self.port),
            "BUTLER_DATA_DIR": str(self.data_dir),
            "BUTLER_ALLOW_LOCAL_REPOSITORIES": "true",
            "BUTLER_BCRYPT_ROUNDS": "4",
            "BUTLER_DEPLOYS_PER_MINUTE": "1000",
            "BUTLER_REGISTRATIONS_PER_HOUR": "1000",
            **self.settings,
        }
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.program],
                cwd=self.data_dir,
                env=environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if httpx2.get(f"{self.base}/health", timeout=10, trust_env=False).status_code in (200, 503):
                    return
            except httpx2.TransportError:
                time.sleep(0.05)
            if self.process.poll() is not None:
                break
        raise AssertionError(f"the server did not start:\n{(self.data_dir / 'server.log').read_text()[-4000:]}")

    def stop(self, *, kill: bool = False) -> None:
        if self.process is None:
            return
        if not kill:
            for client in self.clients:
                client.close()
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.wait(60)
        self.process = None

    def user(self, name: str | None = None) -> Client:
        name = name or f"u{uuid.uuid4().hex[:10]}"
        answer = httpx2.post(
            f"{self.base}/api/auth/register",
            json={"username": name, "email": f"{name}@example.org", "password": "a long enough password"},
            timeout=30,
            trust_env=False,
        )
        assert answer.status_code == 201, answer.text
        self.clients.append(Client(self, name, answer.json()["access_token"]))
        return self.clients[-1]


class Client(httpx2.Client):
    """A user of a server."""

    def __init__(self, server: Server, name: str, token: str) -> None:
        super().__init__(
            base_url=server.base, headers={"Authorization": f"Bearer {token}"}, timeout=DEPLOY_SECONDS, trust_env=False
        )
        self.server = server
        self.name = name
        self.token = token

    def deploy(self, repository: Repository | str, *, env: str | None = None, **fields: str) -> dict[str, Any]:
        """Deploy and expect success."""
        answer = self.try_deploy(repository, env=env, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def try_deploy(
        self, repository: Repository | str, *, env: str | None = None, build_env: str | None = None, **fields: str
    ) -> httpx2.Response:
        url = repository if isinstance(repository, str) else repository.url
        files = {}
        if env is not None:
            files["backend_env"] = ("backend.env", env.encode())
        if build_env is not None:
            files["frontend_env"] = ("frontend.env", build_env.encode())
        return self.post("/deploy", data={"git_url": url, **fields}, files=files or None)

    def log(self, name: str, **params: str | int) -> str:
        return self.get(
            f"/deployments/{name}/logs", params={"limit": 5000, **params}, headers={"Accept": "text/plain"}
        ).text

    def destroy(self, name: str) -> None:
        answer = self.delete(f"/deployments/{name}")
        assert answer.status_code == 200, answer.text


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def objects_of(server: Server, app: str | None = None) -> dict[str, list[str]]:
    """What there is on the engine of a server, or of one app of it."""
    label = f"label=butler.app={app}" if app else f"label=butler.instance={server.instance}"
    return {
        "containers": docker("ps", "--all", "--quiet", "--filter", label).split(),
        "images": docker("images", "--quiet", "--filter", label).split(),
        "networks": docker("network", "ls", "--quiet", "--filter", label).split(),
        "volumes": docker("volume", "ls", "--quiet", "--filter", label).split(),
    }


def body_of(url: str) -> str:
    return httpx2.get(url, timeout=30, trust_env=False).text


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def inspect(name: str) -> dict[str, Any]:
    return json.loads(docker("inspect", name))[0]


def sweep(server: Server) -> None:
    """Remove what a server's apps left on the engine, by its own label only."""
    if not (server.data_dir / "instance-id").exists():
        return
    left = objects_of(server)
    for kind, words in (
        ("containers", ["rm", "--force", "--volumes"]),
        ("networks", ["network", "rm"]),
        ("volumes", ["volume", "rm", "--force"]),
        ("images", ["rmi", "--force"]),
    ):
        if left[kind]:
            subprocess.run(["docker", *words, *sorted(set(left[kind]))], check=False, capture_output=True)


async def socket_events(client: Client, name: str, *, seconds: float = 60, after: int = 0) -> list[dict[str, Any]]:
    """What a socket that watches an app tells until its release is closed."""
    import websockets

    events: list[dict[str, Any]] = []
    address = client.server.base.replace("http", "ws") + f"/ws/{uuid.uuid4().hex}"
    async with asyncio.timeout(seconds), websockets.connect(address) as connection:
        await connection.send(json.dumps({"type": "auth", "token": client.token, "follow": "none"}))
        await connection.send(json.dumps({"type": "watch", "deployment": name, "after": after}))
        async for frame in connection:
            message = json.loads(frame)
            events.append({**message, "received": time.time()})
            if message["type"] == "end":
                return events
    return events


async def app_frames(client: Client, name: str, *, seconds: float = 60) -> list[dict[str, Any]]:
    """What a socket that follows what an app writes is sent first: the numbered lines that were there before."""
    import websockets

    lines: list[dict[str, Any]] = []
    address = client.server.base.replace("http", "ws") + f"/ws/{uuid.uuid4().hex}"
    async with asyncio.timeout(seconds), websockets.connect(address) as connection:
        await connection.send(json.dumps({"type": "auth", "token": client.token}))
        await connection.send(json.dumps({"type": "watch", "source": "app", "deployment": name, "after": 0}))
        async for frame in connection:
            message = json.loads(frame)
            if message["type"] == "app":
                lines += message["lines"]
                await connection.send(json.dumps({"type": "ping"}))
            if message["type"] == "pong":
                return lines
    return lines
