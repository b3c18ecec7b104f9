"""The dashboard's pages, where its build is there; until then they lead to the API's own documentation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, RedirectResponse, Response

PAGES = {
    "/": "index.html",
    "/login": "login.html",
    "/account": "account.html",
    "/applications": "applications.html",
    "/applications/{name}": "application.html",
}
_ASSET_CACHE = "public, max-age=31536000, immutable"


def add_pages(app: FastAPI, static: Path) -> None:
    """Serve each page at its address, and the hashed assets beside them with immutable caching."""
    router = APIRouter(include_in_schema=False)
    for address, file in PAGES.items():
        router.add_api_route(address, _page(static / file), methods=["GET", "HEAD"])
    app.include_router(router)
    if (static / "assets").is_dir():
        # Only what is public and the same for all is compressed; answers of the API hold secrets and are not.
        assets = GZipMiddleware(_Assets(directory=static / "assets"), minimum_size=1024)
        app.mount("/assets", assets, name="assets")


def _page(file: Path) -> Callable[[], Response]:
    def serve() -> Response:
        if file.is_file():
            return FileResponse(file, headers={"Cache-Control": "no-cache"})
        return RedirectResponse("/docs", status_code=307)

    return serve


class _Assets(StaticFiles):
    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = _ASSET_CACHE
        return response
