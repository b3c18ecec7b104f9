"""The server of static sites and single-page applications, asked over ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from dockerfile_templates.assets import static_server
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


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.wasm", "application/wasm"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.woff2", "font/woff2"),
        ("a.avif", "image/avif"),
        ("a.ico", "image/x-icon"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.pdf", "application/pdf"),
        ("日本 語.html", "text/html; charset=utf-8"),
    ],
)
async def test_a_file_has_the_type_of_its_name(site: Path, name: str, media_type: str) -> None:
    (site / name).write_bytes(b"x")
    response = await _get(site)(f"/{name}")
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("wanted", "status", "content_range"),
    [
        ("bytes=0-1", 206, "bytes 0-1/5000"),
        ("bytes=4990-", 206, "bytes 4990-4999/5000"),
        ("bytes=-10", 206, "bytes 4990-4999/5000"),
        ("bytes=9000-", 416, "bytes */5000"),
        ("lines=1", 400, None),
    ],
)
async def test_a_range_is_the_part_that_was_asked_for(
    site: Path, wanted: str, status: int, content_range: str | None
) -> None:
    response = await _get(site)("/assets/index-DiwrgTda.js", range=wanted)
    assert (response.status_code, response.headers.get("content-range")) == (status, content_range)


async def test_a_range_of_what_has_changed_is_the_whole(site: Path) -> None:
    get = _get(site)
    etag = (await get("/assets/index-DiwrgTda.js", accept_encoding="identity")).headers["etag"]
    same = await get("/assets/index-DiwrgTda.js", range="bytes=0-1", if_range=etag)
    other = await get("/assets/index-DiwrgTda.js", range="bytes=0-1", if_range='"other"')
    assert (same.status_code, other.status_code, len(other.content)) == (206, 200, 5000)


async def test_what_is_compressed_says_so_to_caches_and_pictures_stay_as_they_are(site: Path) -> None:
    (site / "a.png").write_bytes(b"\x89PNG" + b"0" * 5000)
    get = _get(site)
    script = await get("/assets/index-DiwrgTda.js", accept_encoding="gzip")
    assert script.headers["vary"] == "Accept-Encoding" and script.headers["etag"].startswith('W/"')
    picture = await get("/a.png", accept_encoding="gzip")
    assert "content-encoding" not in picture.headers and len(picture.content) == 5004
    again = await get("/assets/index-DiwrgTda.js", if_none_match=script.headers["etag"], accept_encoding="gzip")
    assert again.status_code == 304
    assert "content-encoding" not in (await get("/assets/index-DiwrgTda.js", accept_encoding="identity")).headers


async def test_only_reading_is_served(site: Path) -> None:
    transport = httpx2.ASGITransport(create_app(site, spa=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://site") as client:
        head = await client.head("/about")
        assert (head.status_code, head.headers["content-length"], head.content) == (200, "5", b"")
        assert (await client.get("/about")).text == "about"
        assert (await client.head("/about")).content == b""
        for method in ("POST", "PUT", "DELETE"):
            assert (await client.request(method, "/about")).status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/../outside.txt", "/%2e%2e/outside.txt", "/docs/%2e%2e/%2e%2e/outside.txt", "//etc/passwd", "/..%5coutside.txt"],
)
async def test_nothing_outside_the_folder_is_reached(site: Path, path: str) -> None:
    response = await _get(site, spa=True)(path)
    assert "outside" not in response.text and "root:" not in response.text


async def test_an_answer_from_memory_is_the_same_as_the_first(site: Path) -> None:
    app = create_app(site, spa=True)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://site") as client:
        for headers in ({"accept-encoding": "gzip"}, {"accept-encoding": "identity"}):
            first = await client.get("/assets/index-DiwrgTda.js", headers=headers)
            (site / "assets/index-DiwrgTda.js").rename(site / "moved")
            second = await client.get("/assets/index-DiwrgTda.js", headers=headers)
            (site / "moved").rename(site / "assets/index-DiwrgTda.js")
            assert second.content == first.content
            ignored = {"content-length", "date"}
            assert {k: v for k, v in second.headers.items() if k not in ignored} == {
                k: v for k, v in first.headers.items() if k not in ignored
            }
        assert (await client.get("/missing.js")).status_code == 404
        (site / "missing.js").write_text("here now")
        assert (await client.get("/missing.js")).status_code == 200, "what is not there is not remembered"


async def test_memory_is_bounded(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_server, "MOST_REMEMBERED_BYTES", 12_000)
    monkeypatch.setattr(static_server, "LARGEST_REMEMBERED_BYTES", 6_000)
    (site / "big.txt").write_text("y" * 7_000)
    app = create_app(site, spa=True)
    assert isinstance(app, static_server.Remembered)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://site") as client:
        for number in range(50):
            await client.get(f"/route/{number}")
            await client.get("/assets/index-DiwrgTda.js", headers={"accept-encoding": "identity"})
        assert (await client.get("/big.txt", headers={"accept-encoding": "identity"})).text == "y" * 7_000
    assert app._bytes <= 12_000 and not any(path == "/big.txt" for path, _ in app._answers)


async def test_etags_ranges_and_compression_work_together(site: Path) -> None:
    get = _get(site)
    whole = await get("/assets/index-DiwrgTda.js", accept_encoding="gzip")
    assert (whole.headers["content-encoding"], whole.text) == ("gzip", "x" * 5000)
    part = await get("/assets/index-DiwrgTda.js", accept_encoding="gzip", range="bytes=0-99")
    assert (part.status_code, len(part.content), "content-encoding" in part.headers) == (206, 100, False)
    again = await get("/assets/index-DiwrgTda.js", if_none_match=part.headers["etag"])
    assert again.status_code == 304
