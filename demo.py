"""`./butler demo`: starts a Butler, deploys the sample repository and prints the addresses that answer."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

import shell
from orchestrator import create_app
from settings import ROOT, Settings

SAMPLE = ROOT / "examples" / "hello-butler"
USER = "demo"
_START_SECONDS = 30.0
_DEPLOY_SECONDS = 1800.0


def main() -> None:
    """Run the demo until Ctrl-C."""
    settings = Settings(allow_local_repositories=True)
    try:
        asyncio.run(_demo(settings, stay="--once" not in sys.argv[1:]))
    except KeyboardInterrupt:
        _say("Stopped. The app goes on running; `./butler serve` brings the Butler back.")


async def _demo(settings: Settings, *, stay: bool) -> None:
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    base = f"http://{settings.host}:{settings.port}"
    try:
        await _until_healthy(base, serving)
        await _deploy_sample(base, settings)
        if stay:
            _say("\nCtrl-C stops the Butler and leaves the app running.")
            await _until_told_to_stop(serving)
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _until_healthy(base: str, serving: asyncio.Task[None]) -> None:
    async with httpx2.AsyncClient(base_url=base, timeout=10) as client, asyncio.timeout(_START_SECONDS):
        while True:
            if serving.done():
                raise SystemExit(f"The Butler could not start on {base}: is something else on that port?")
            with contextlib.suppress(httpx2.TransportError):
                health = (await client.get("/health")).json()
                if health["status"] == "ok":
                    return
                for name, check in health["checks"].items():
                    if not check["ok"]:
                        raise SystemExit(f"{name}: {check['message']}\n{check['hint']}")
            await asyncio.sleep(0.1)


async def _deploy_sample(base: str, settings: Settings) -> None:
    password = await asyncio.to_thread(_password, settings)
    with tempfile.TemporaryDirectory(prefix="hello-butler-") as folder:
        repository = Path(folder) / "demo" / "hello-butler"
        await _make_repository(repository)
        async with httpx2.AsyncClient(base_url=base, timeout=_DEPLOY_SECONDS) as client:
            client.headers["Authorization"] = f"Bearer {await _log_in(client, password)}"
            _say(f"Deploying the sample repository (file://{repository}) ...")
            before = (await client.get("/deployments")).json()
            mine = [row["container_name"] for row in before if row["git_url"].endswith("/demo/hello-butler")]
            again = {"name": mine[0]} if mine else {}
            answer = await client.post("/deploy", data={"git_url": f"file://{repository}", **again})
            await _report(client, base, answer, password)


async def _report(client: httpx2.AsyncClient, base: str, answer: httpx2.Response, password: str) -> None:
    body: dict[str, Any] = answer.json()
    if answer.status_code != 200:
        error = body["error"]
        lines = "\n".join(f"  | {line}" for line in error["lines"])
        raise SystemExit(f"The sample was not deployed: {error['message']}\n{lines}\n{error['hint']}")
    page = await client.get(body["deployed_url"], headers={"Authorization": ""})
    _say(
        f"\n  The app:        {body['deployed_url']}  (HTTP {page.status_code})\n"
        f"  The dashboard:  {base}/\n"
        f"  The API:        {base}/docs\n"
        f"  Log in as:      {USER}  with the password  {password}"
    )


async def _make_repository(repository: Path) -> None:
    """The sample as a Git repository of its own."""
    await asyncio.to_thread(shutil.copytree, SAMPLE, repository)
    for words in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all"],
        ["-c", "user.name=DevOps Butler", "-c", "user.email=butler@localhost", "commit", "--quiet", "-m", "Say hello"],
    ):
        await shell.output(["git", "-C", str(repository), *words], waiting_for="the sample repository")


async def _log_in(client: httpx2.AsyncClient, password: str) -> str:
    account = {"username": USER, "password": password}
    answer = await client.post("/api/auth/login", json=account)
    if answer.status_code == 401:
        answer = await client.post("/api/auth/register", json={**account, "email": "demo@butler.local"})
    if answer.is_error:
        raise SystemExit(f"The demo user could not log in: {answer.json()['error']['message']}")
    return str(answer.json()["access_token"])


def _password(settings: Settings) -> str:
    """The demo user's password, made once and kept where only the operator reads it."""
    file = settings.data_dir / "demo-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(9), encoding="ascii")
    return file.read_text(encoding="ascii")


async def _until_told_to_stop(serving: asyncio.Task[None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n") if text.startswith("Deploying") else sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
