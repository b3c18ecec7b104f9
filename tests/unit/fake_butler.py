"""A server that answers like a Butler as far as a test tells it to; what it was asked for is kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeButler:
    url: str = ""
    answers: dict[tuple[str, str], Answer | Callable[[Asked], Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, status: int, body: Any) -> None:
        self.answers[method, path] = (status, body)

    def ask(self, method: str, path: str) -> Asked:
        """The newest request of this kind."""
        return next(one for one in reversed(self.asked) if (one.method, one.path) == (method, path))

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        found = self.answers.get((asked.method, asked.path))
        if found is None:
            return 404, error("not-found", "There is no such thing.")
        return found(asked) if callable(found) else found


def error(code: str, message: str, hint: str = "", lines: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "hint": hint, "lines": list(lines), "trace_id": "t-1"}}


def view(name: str, **changes: Any) -> dict[str, Any]:
    """A deployment as the API shows it."""
    known = {
        "id": 1,
        "container_name": name,
        "git_url": "https://github.com/octo/site.git",
        "status": "success",
        "deployed_url": "http://localhost:8080",
        "created_at": "2026-01-15T10:30:00Z",
        "updated_at": "2026-01-15T10:31:00Z",
        "phase": "live",
        "branch": None,
        "subdirectory": None,
        "strategy": "static",
        "framework": None,
        "container_port": 8080,
        "host_port": 8080,
        "commit_sha": "0123456789abcdef",
        "commit_subject": "A change",
        "trace_id": "t-1",
        "release": 1,
        "release_id": 7,
        "live_release": 1,
        "steps": [{"stage": "clone", "state": "done", "seconds": 0.4}],
        "error": None,
    }
    return {**known, **changes}


@contextmanager
def serving() -> Iterator[FakeButler]:
    butler = FakeButler()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            status, answer = butler.answer(Asked(self.command, parts.path, query, dict(self.headers), body))
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(answer, bytes) else "application/json")
            self.send_header("Content-Length", str(len(content)))
            if isinstance(answer, list):
                self.send_header("X-Total-Count", str(len(answer)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _serve

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    butler.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield butler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
