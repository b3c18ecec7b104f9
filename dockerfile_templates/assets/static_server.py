"""Serves a folder of files: right types, ETags, ranges, compression, caching; unknown paths to a SPA's index.html."""

from __future__ import annotations

import argparse
import mimetypes
import re
import stat
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_REMEMBERED_BYTES = 32 * 1024 * 1024
LARGEST_REMEMBERED_BYTES = 2 * 1024 * 1024
_MOST_REMEMBERED = 4096
_YEAR = "public, max-age=31536000, immutable"
_HASHED = re.compile(
    r"[.-](?=[A-Za-z0-9_-]*[0-9A-Z])[A-Za-z0-9_-]{8,}\.(?:js|mjs|css|woff2?|png|jpe?g|svg|webp|avif|gif|wasm|map)$"
)
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".json": "application/json",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".md": "text/markdown",
}


class Site(StaticFiles):
    """Static files without dotfiles; `/about` may be about.html, and a SPA's own routes get its index.html."""

    def __init__(self, folder: Path, *, spa: bool) -> None:
        super().__init__(directory=folder, html=True)
        self.spa = spa

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file or page that a path means, else the site's 404.html."""
        page = None if _is_hidden(path) else self._page(path)
        if page is None:
            return self._missing()
        response = await super().get_response(page, scope)
        forever = _HASHED.search(page) and response.status_code < 300
        response.headers["cache-control"] = _YEAR if forever else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        return response

    def _page(self, path: str) -> str | None:
        for candidate in (path, f"{path}.html", "index.html" if self.spa and not Path(path).suffix else ""):
            if candidate and (self._is_file(candidate) or self._is_file(f"{candidate}/index.html")):
                return candidate
        return None

    def _is_file(self, path: str) -> bool:
        _, found = self.lookup_path(path)
        return found is not None and stat.S_ISREG(found.st_mode)

    def _missing(self) -> Response:
        headers = {"cache-control": "no-cache"}
        if self._is_file("404.html"):
            return FileResponse(self.lookup_path("404.html")[0], 404, headers=headers)
        return Response("Not found\n", 404, headers=headers, media_type="text/plain")


def _is_hidden(path: str) -> bool:
    """Dotfiles (and what no file can be called) are nobody's business, apart from what RFC 8615 puts under .well-known."""
    parts = [part for part in Path(path).parts if part != "."]
    hidden = any(part.startswith(".") for part in parts) and parts[0] != ".well-known"
    return hidden or "\0" in path


class Compressed:
    """Compresses whole answers; a part of a file (Range) is sent as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.plain, self.gzip = app, GZipMiddleware(app, minimum_size=1024, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        partial = any(name == b"range" for name, _ in scope.get("headers", ()))
        await (self.plain if partial else self.gzip)(scope, receive, _weakening(send))


def _weakening(send: Send) -> Send:
    """A compressed answer has other bytes than the file: its ETag is only a weak one, which no range may rely on."""

    async def pass_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if "content-encoding" in headers and headers.get("etag", "").startswith('"'):
                headers["etag"] = f"W/{headers['etag']}"
        await send(message)

    return pass_on


@dataclass(frozen=True)
class _Answer:
    start: Message
    body: bytes


class Remembered:
    """Keeps whole answers of small files in memory, least recently asked for first out: the files in an image are fixed.

    Only what is the same for everybody is kept and given: a plain GET or HEAD, by its path and whether it takes gzip.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answers: OrderedDict[tuple[str, bool], _Answer] = OrderedDict()
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return await self._app(scope, receive, send)
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        if any(name.startswith(b"if-") or name == b"range" for name in headers):
            return await self._app(scope, receive, send)
        key = (scope["path"], b"gzip" in headers.get(b"accept-encoding", b""))
        answer = self._answers.get(key)
        if answer is None:
            return await self._app(scope, receive, self._recording(key, send) if scope["method"] == "GET" else send)
        self._answers.move_to_end(key)
        await send(answer.start)
        body = answer.body if scope["method"] == "GET" else b""
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _recording(self, key: tuple[str, bool], send: Send) -> Send:
        start: Message = {}
        parts: list[bytes] = []
        size = 0

        async def pass_on(message: Message) -> None:
            nonlocal start, size
            await send(message)
            if message["type"] == "http.response.start":
                start = {**message, "headers": list(message.get("headers", ()))}
                return
            size += len(message.get("body", b""))
            if size <= LARGEST_REMEMBERED_BYTES:
                parts.append(bytes(message.get("body", b"")))
                if not message.get("more_body") and start.get("status") == 200:
                    body = b"".join(parts)
                    MutableHeaders(scope=start)["content-length"] = str(len(body))
                    self._keep(key, _Answer(start, body))

        return pass_on

    def _keep(self, key: tuple[str, bool], answer: _Answer) -> None:
        self._forget(key)
        self._answers[key] = answer
        self._bytes += len(answer.body)
        while self._bytes > MOST_REMEMBERED_BYTES or len(self._answers) > _MOST_REMEMBERED:
            self._forget(next(iter(self._answers)))

    def _forget(self, key: tuple[str, bool]) -> None:
        before = self._answers.pop(key, None)
        self._bytes -= len(before.body) if before else 0


def create_app(folder: Path, *, spa: bool) -> ASGIApp:
    """The application that serves `folder`."""
    for suffix, media_type in _TYPES.items():
        mimetypes.add_type(media_type, suffix)
    return Remembered(Compressed(Starlette(routes=[Mount("/", Site(folder, spa=spa))])))


def main() -> None:
    """Serve the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--spa", action="store_true", help="answer unknown paths with index.html")
    given = parser.parse_args()
    app = create_app(given.folder.resolve(), spa=given.spa)
    uvicorn.run(app, host=given.host, port=given.port, access_log=False, server_header=False)


if __name__ == "__main__":
    main()
