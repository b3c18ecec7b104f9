"""Lighthouse on every page of a Butler with an app and its log: `./butler test lighthouse`. Ends non-zero beyond a budget."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx2

from tests.browser import sites
from tests.browser.person import PASSWORD
from tests.browser.serving import chromium_program, make_server
from tests.engine.harness import ROOT, Client, Repository, Server, sweep

_AUDIT = ROOT / "frontend" / "scripts" / "lighthouse.js"
_LOG_LINES = 400


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="butler-lighthouse-") as folder:
        server = make_server(Path(folder) / "butler", {})
        server.start()
        try:
            client = server.user()
            app = _deploy(client, Repository(Path(folder) / "octo" / "shop"))
            status = _audit(server, client, app)
            client.destroy(app)
            return status
        finally:
            server.stop()
            sweep(server)


def _deploy(client: Client, repository: Repository) -> str:
    repository.commit(sites.server(steps=sites.slow(_LOG_LINES, 1)), "Open the shop")
    return str(client.deploy(repository, env="GREETING=hello\n")["container_name"])


def _audit(server: Server, client: Client, app: str) -> int:
    body = {"username": client.name, "password": PASSWORD}
    login = httpx2.post(f"{server.base}/api/auth/login", json=body, trust_env=False).json()
    return subprocess.run(
        ["node", str(_AUDIT), server.base, app],
        input=json.dumps(login),
        text=True,
        env={**os.environ, "CHROME_PATH": chromium_program()},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
