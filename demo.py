"""`./butler demo`: starts a Butler, deploys the sample repository and prints the addresses that answer."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import sys
from typing import Any

import httpx2
import uvicorn

from orchestrator import create_app
from settings import Settings
from workspace import SAMPLE_ADDRESS

USER = "demo"
_START_SECONDS = 30.0
_REQUEST_SECONDS = 60.0
_LOOK_SECONDS = 0.3


def main() -> None:
    """Run the demo until Ctrl-C."""
    settings = Settings()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_demo(settings, stay="--once" not in sys.argv[1:]))
    _say("\nThe Butler has stopped, and the app goes on running; `./butler serve` brings the Butler back.")


async def _demo(settings: Settings, *, stay: bool) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = (settings.data_dir / "server.log").open("a", encoding="utf-8")
    app = create_app(settings, log_stream=log)
    server = uvicorn.Server(
        uvicorn.Config(app, host=settings.host, port=settings.port, log_config=None, access_log=False)
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
    async with httpx2.AsyncClient(base_url=base, timeout=_REQUEST_SECONDS) as client:
        client.headers["Authorization"] = f"Bearer {await _log_in(client, password)}"
        wish = {"git_url": SAMPLE_ADDRESS}
        mine = [row for row in (await client.get("/deployments")).json() if row["git_url"] == wish["git_url"]]
        if mine:
            wish["name"] = mine[0]["container_name"]
        _say(f"Deploying the sample repository ({wish['git_url']}) ...")
        answer = await client.post("/deploy", data=wish, headers={"Prefer": "respond-async"})
        if answer.is_error:
            raise SystemExit(f"The sample was not accepted: {answer.json()['error']['message']}")
        name = answer.json()["container_name"]
        await _follow(client, name)
        await _report(client, base, (await client.get(f"/deployments/{name}")).json(), password)


async def _follow(client: httpx2.AsyncClient, name: str) -> None:
    """Show each step as it ends, and what is worth a note, until the deployment has ended."""
    after, closed = 0, False
    while not closed:
        page = (await client.get(f"/deployments/{name}/logs", params={"after": after})).json()
        for line in page["lines"]:
            if line["kind"] == "stage-finished":
                _say(f"  done  {line['text']}")
            elif line["kind"] in ("warning", "stage-failed") or (line["kind"] == "note" and line["stage"] == "build"):
                _say(f"        {line['text']}")
        after, closed = page["next"], page["closed"]
        await asyncio.sleep(_LOOK_SECONDS)


async def _report(client: httpx2.AsyncClient, base: str, body: dict[str, Any], password: str) -> None:
    if body["error"] is not None:
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
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
