"""Small repositories that the browser tests deploy."""

from __future__ import annotations

import uuid

PAGE = "<!doctype html><title>Shop</title><h1>{}</h1>"
_SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write({body!r}.encode())
    def log_message(self, *words): print("asked for", self.path, flush=True)
{before}
print("listening", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""


def page(text: str = "Welcome") -> dict[str, str]:
    """A site of one page."""
    return {"index.html": PAGE.format(text)}


def server(*, body: str = "Welcome", steps: str = "", before: str = "") -> dict[str, str]:
    """A repository with a Dockerfile and a small server; `steps` run in its build, `before` runs before it listens."""
    # Docker remembers the steps of earlier runs; these must happen.
    steps = f"RUN : {uuid.uuid4()}\n{steps}" if steps else ""
    return {
        "server.py": _SERVER.format(body=body, before=before),
        "Dockerfile": f'FROM python:3.11-slim\nWORKDIR /app\n{steps}\nCOPY server.py .\nCMD ["python3", "server.py"]\n',
    }


def slow(lines: int, seconds: float) -> str:
    """A step of a build that says so many lines in so many seconds, each time: Docker never knows it already."""
    pause, mark = seconds / lines, uuid.uuid4().hex[:8]
    return (
        f"RUN python3 -c \"import time; [(print('work', n, 'of {lines} {mark}', flush=True), time.sleep({pause}))"
        f' for n in range(1, {lines + 1})]"'
    )
