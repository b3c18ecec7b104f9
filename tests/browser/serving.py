"""A Butler that serves a build of the dashboard, and the browser that looks at it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.engine.harness import ROOT, Server, free_port

BUILD = Path(os.environ.get("BUTLER_TEST_STATIC") or ROOT / "static")
_SERVE = """
import sys, uvicorn, orchestrator
from pathlib import Path
from settings import Settings
settings = Settings()
app = orchestrator.create_app(settings, static=Path(sys.argv[1]))
uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, access_log=False, ws_max_size=65536)
"""


def chromium_program() -> str:
    program = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    assert program, "Chromium is not installed: ./butler test browser installs it"
    return program


def make_server(folder: Path, settings: dict[str, str]) -> Server:
    """A server, not started yet, of the build that `BUTLER_TEST_STATIC` names, or else the committed one."""
    assert (BUILD / "index.html").exists(), "the dashboard is not built: npm run build in frontend/"
    settings = {"BUTLER_FIRST_HOST_PORT": "19080", "BUTLER_LOGIN_ATTEMPTS_PER_MINUTE": "1000", **settings}
    program = () if BUILD == ROOT / "static" else ("-c", _SERVE, str(BUILD))
    if program:
        settings["PYTHONPATH"] = str(ROOT)
    return Server(folder, free_port(), settings, **({"program": program} if program else {}))
