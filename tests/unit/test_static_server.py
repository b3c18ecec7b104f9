"""The server of static sites and single-page applications, asked over ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from dockerfile_templates.assets.static_server import create_app

Get = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    for name, text in {
        "index.html": "<h1>home</h1>",
        "about.html": "about",
        "docs/index.html": "docs",
        "assets/index-DiwrgTda.js": "x" * 5000,
        "über uns.txt": "grüße",
        ".env": "SECRET=1",
        ".git/config": "x",
        ".well-known/security.txt": "mail us",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (tmp_path / "outside.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    return folder


def _get(folder: Path, *, spa: bool = False) -> Get:
    async def get(path: str, **headers: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(create_app(folder, spa=spa))
        async with httpx2.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return get


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 200, "<h1>home</h1>"),
        ("/about", 200, "about"),
        ("/docs/", 200, "docs"),
        ("/%C3%BCber%20uns.txt", 200, "grüße"),
        ("/.well-known/security.txt", 200, "mail us"),
        ("/docs", 307, ""),
        ("/nothing", 404, "Not found\n"),
        ("/.env", 404, "Not found\n"),
        ("/.git/config", 404, "Not found\n"),
        ("/..%2foutside.txt", 404, "Not found\n"),
        ("/link.txt", 404, "Not found\n"),
        ("/%00", 404, "Not found\n"),
    ],
)
async def test_a_path_means_its_file_and_nothing_hidden_or_outside(
    site: Path, path: str, status: int, text: str
) -> None:
    response = await _get(site)(path)
    assert (response.status_code, response.text) == (status, text)


async def test_only_a_single_page_application_answers_unknown_routes_with_its_index(site: Path) -> None:
    get = _get(site, spa=True)
    assert (await get("/some/route")).text == "<h1>home</h1>"
    assert (await get("/missing.js")).status_code == 404
    assert (await get("/.env")).status_code == 404


async def test_the_sites_own_404_page_is_used(site: Path) -> None:
    (site / "404.html").write_text("lost?")
    response = await _get(site)("/nothing")
    assert (response.status_code, response.text) == (404, "lost?")


async def test_hashed_assets_are_kept_for_a_year_and_pages_are_asked_for_again(site: Path) -> None:
    get = _get(site)
    asset, page = await get("/assets/index-DiwrgTda.js"), await get("/")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert page.headers["cache-control"] == "no-cache"
    assert (asset.headers["content-type"], page.headers["content-type"]) == (
        "text/javascript; charset=utf-8",
        "text/html; charset=utf-8",
    )


async def test_etags_ranges_and_compression_work_together(site: Path) -> None:
    get = _get(site)
    whole = await get("/assets/index-DiwrgTda.js", accept_encoding="gzip")
    assert (whole.headers["content-encoding"], whole.text) == ("gzip", "x" * 5000)
    part = await get("/assets/index-DiwrgTda.js", accept_encoding="gzip", range="bytes=0-99")
    assert (part.status_code, len(part.content), "content-encoding" in part.headers) == (206, 100, False)
    again = await get("/assets/index-DiwrgTda.js", if_none_match=part.headers["etag"])
    assert again.status_code == 304
