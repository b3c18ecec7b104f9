"""The health check of a butler.yml: which path is asked, and which answers count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from docker_run import Reason, probe
from domain import Healthcheck


@asynccontextmanager
async def answering(status: int) -> AsyncIterator[tuple[int, list[bytes]]]:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).strip())
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


@pytest.mark.parametrize(
    ("status", "without", "with_check"),
    [
        (200, Reason.HTTP, Reason.HTTP),
        (302, Reason.HTTP, Reason.HTTP),
        (404, Reason.HTTP, Reason.UNHEALTHY),
        (401, Reason.HTTP, Reason.UNHEALTHY),
        (503, Reason.SERVER_ERROR, Reason.UNHEALTHY),
    ],
)
async def test_a_path_that_was_named_must_answer_well(status: int, without: Reason, with_check: Reason) -> None:
    async with answering(status) as (port, asked):
        assert await probe("127.0.0.1", port, timeout_seconds=5) == (without, status)
        check = Healthcheck("/health?deep=1")
        assert await probe("127.0.0.1", port, timeout_seconds=5, check=check) == (with_check, status)
    assert asked == [b"GET / HTTP/1.1", b"GET /health?deep=1 HTTP/1.1"]
