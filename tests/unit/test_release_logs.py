"""Logs of releases: numbered, clean, cut where too long, and watched without a line missed or repeated."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import stat
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connection_manager import ReleaseLogs
from connection_manager.log_text import clean
from domain import Event, EventKind, Stage
from robust_logging import Redactor

MIB = 1024 * 1024


def line(text: str) -> Event:
    return Event(EventKind.LINE, Stage.BUILD, text)


def plain(text: str) -> str:
    return text


@pytest.fixture
def logs(tmp_path: Path) -> ReleaseLogs:
    return ReleaseLogs(tmp_path / "logs", 32 * MIB, plain)


# --- the files ---


def test_events_are_numbered_from_one_and_read_back(logs: ReleaseLogs):
    assert logs.publish(7, line("first")) == 1
    assert logs.publish(7, Event(EventKind.STAGE_FINISHED, Stage.BUILD, "built", 1.5, {"image": "x"})) == 2
    first, second = logs.read(7)
    assert first["seq"] == 1 and first["text"] == "first" and first["kind"] == "line" and first["stage"] == "build"
    assert first["time"].endswith("Z") and first["seconds"] is None
    assert second["seconds"] == 1.5 and second["detail"] == {"image": "x"}
    assert list(first) == ["seq", "time", "kind", "stage", "text", "seconds", "detail"]


def test_reading_starts_after_a_number_and_stops_at_a_limit(logs: ReleaseLogs):
    for number in range(1, 51):
        logs.publish(1, line(f"l{number}"))
    assert [event["seq"] for event in logs.read(1, after=10, limit=5)] == [11, 12, 13, 14, 15]
    assert logs.read(1, after=50) == []
    assert logs.read(99) == []


def test_a_log_belongs_to_the_butler_alone(logs: ReleaseLogs, tmp_path: Path):
    logs.publish(1, line("x"))
    assert stat.S_IMODE((tmp_path / "logs" / "1.ndjson").stat().st_mode) == 0o600


def test_numbers_go_on_after_a_restart(tmp_path: Path):
    before = ReleaseLogs(tmp_path, 32 * MIB, plain)
    for number in range(3):
        before.publish(1, line(f"l{number}"))
    after = ReleaseLogs(tmp_path, 32 * MIB, plain)
    assert not after.is_open(1)
    assert after.publish(1, line("again")) == 4
    assert [event["seq"] for event in after.read(1)] == [1, 2, 3, 4]


def test_a_line_that_was_torn_by_a_crash_does_no_harm(tmp_path: Path):
    ReleaseLogs(tmp_path, 32 * MIB, plain).publish(1, line("whole"))
    with (tmp_path / "1.ndjson").open("ab") as file:
        file.write(b'{"seq":2,"time":"2026-01')
    logs = ReleaseLogs(tmp_path, 32 * MIB, plain)
    assert logs.publish(1, line("next")) == 2
    assert [event["text"] for event in logs.read(1)] == ["whole", "next"]


def test_lines_longer_than_a_disk_read_survive_a_restart(tmp_path: Path):
    lines = ["é" * 8000] * 60
    first = ReleaseLogs(tmp_path, 32 * MIB, plain)
    first.publish(1, Event(EventKind.FAILURE, Stage.BUILD, "x", None, {"lines": lines}))
    again = ReleaseLogs(tmp_path, 32 * MIB, plain)
    assert again.publish(1, line("y")) == 2
    assert [event["seq"] for event in again.read(1)] == [1, 2]
    assert again.read(1)[0]["detail"]["lines"] == lines


def test_a_full_log_is_cut_visibly_and_still_says_how_it_ended(tmp_path: Path):
    logs = ReleaseLogs(tmp_path, 5000, plain)
    for _ in range(200):
        logs.publish(1, line("x" * 100))
    logs.publish(1, Event(EventKind.FAILURE, Stage.BUILD, "it failed"))
    events = logs.read(1)
    assert [event["text"] for event in events].count("The log is cut here: it reached 5,000 bytes.") == 1
    assert events[-1]["text"] == "it failed"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (tmp_path / "1.ndjson").stat().st_size < 6000


def test_a_disk_that_is_full_for_a_while_leaves_a_remark(logs: ReleaseLogs, monkeypatch):
    logs.publish(1, line("before"))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", full)
        for _ in range(3):
            assert logs.publish(1, line("lost")) == 1
    logs.publish(1, line("after"))
    assert [event["text"] for event in logs.read(1)] == ["before", "3 lines could not be stored.", "after"]


def test_publishing_never_raises(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    logs = ReleaseLogs(tmp_path / "file", MIB, plain)
    logs.open(1)
    assert logs.publish(1, line("x")) == 0


def test_odd_details_are_stored_as_far_as_they_go(logs: ReleaseLogs):
    deep: dict[str, Any] = {}
    deep["self"] = deep
    logs.publish(1, Event(EventKind.DONE, None, "x", None, {"object": Path("a"), "deep": deep, 3: float("inf")}))
    assert logs.read(1)[0]["detail"]["object"] == "a"


def test_a_deleted_log_is_gone(logs: ReleaseLogs, tmp_path: Path):
    logs.publish(1, line("x"))
    logs.delete(1)
    logs.delete(1)
    assert not (tmp_path / "logs" / "1.ndjson").exists()
    assert logs.read(1) == []


def test_a_straggler_after_the_end_does_not_open_the_log_again(logs: ReleaseLogs):
    logs.publish(1, line("x"))
    logs.close(1)
    assert logs.publish(1, line("late")) == 2
    assert not logs.is_open(1)


# --- what a line may hold ---


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[1;38;5;196mbright\x1b[m", "\x1b[1;38;5;196mbright\x1b[m"),
        ("a\tb", "a\tb"),
        ("\x1b[2Jclear\x1b[H", "clear"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        ("\x9b31mc1", "c1"),
        ("bell\x07 back\x08 nul\x00 del\x7f", "bell back nul del"),
        ("evil\u202etxt", "eviltxt"),
        ("\x1b", ""),
        ("two\nlines", "two lines"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("größer 日本 🚀", "größer 日本 🚀"),
        ("half \ud83d", "half "),
    ],
)
def test_control_sequences_go_and_colours_stay(logs: ReleaseLogs, text: str, shown: str):
    logs.publish(1, line(text))
    assert logs.read(1)[0]["text"] == shown


@given(st.text(alphabet=st.sampled_from("\x1b[]0;m\x07\\P_aZ \x9b\x9c\x00\t\x7f31")))
def test_whatever_comes_only_colours_are_left_of_escapes(text: str):
    cleaned = clean(text, plain)
    without_colours = re.sub(r"\x1b\[[0-9;:]{0,32}m", "", cleaned)
    assert not any(ord(char) < 32 and char != "\t" or 0x7F <= ord(char) <= 0x9F for char in without_colours)


def test_a_long_line_is_cut_at_8_kib(logs: ReleaseLogs):
    logs.publish(1, line("x" * 20_000))
    text = logs.read(1)[0]["text"]
    assert text.startswith("x" * 8192) and text.endswith("(line cut)") and len(text) < 8300


@pytest.mark.parametrize("secret", ["s3cr3t-value", 'pa ss/w+rd&"é'])
def test_secrets_are_masked_before_a_line_is_stored(tmp_path: Path, secret: str):
    hidden = Redactor()
    hidden.add(secret)
    logs = ReleaseLogs(tmp_path, MIB, hidden.mask)
    forms = [secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), json.dumps(secret)]
    coloured = f"\x1b[32m{secret[:4]}\x1b[0m{secret[4:]}"
    for form in [*forms, coloured]:
        logs.publish(1, line(f"value: {form}."))
        logs.publish(1, Event(EventKind.FAILURE, None, "x", None, {"lines": [form], form: 1}))
    stored = (tmp_path / "1.ndjson").read_text()
    for form in [*forms, secret[4:]]:
        assert form not in stored
    assert stored.count("***") == 3 * len(forms) + 3


# --- watching ---


async def _texts(logs: ReleaseLogs, release: int, after: int = 0) -> list[int]:
    return [event["seq"] async for event in logs.watch(release, after)]


async def test_joining_midway_neither_misses_nor_repeats_a_line(logs: ReleaseLogs):
    async def produce() -> None:
        for number in range(1, 3001):
            logs.publish(1, line(f"l{number}"))
            if number % 97 == 0:
                await asyncio.sleep(0)
        logs.close(1)

    logs.open(1)
    producer = asyncio.create_task(produce())
    watchers = []
    for _ in range(5):
        watchers.append(asyncio.create_task(_texts(logs, 1)))
        await asyncio.sleep(0.005)
    await producer
    for seen in await asyncio.gather(*watchers):
        assert seen == list(range(1, 3001))


async def test_a_hundred_thousand_lines_arrive_in_order(logs: ReleaseLogs):
    logs.open(1)
    watcher = asyncio.create_task(_texts(logs, 1))
    for number in range(100_000):
        logs.publish(1, line(f"line {number}"))
        if number % 5000 == 0:
            await asyncio.sleep(0)
    logs.close(1)
    assert await watcher == list(range(1, 100_001))


async def test_a_watcher_goes_on_from_the_last_number_after_a_restart(tmp_path: Path):
    before = ReleaseLogs(tmp_path, MIB, plain)
    for number in range(10):
        before.publish(1, line(f"l{number}"))
    after = ReleaseLogs(tmp_path, MIB, plain)
    after.open(1)
    watcher = asyncio.create_task(_texts(after, 1, after=6))
    await asyncio.sleep(0.02)
    after.publish(1, line("new"))
    after.close(1)
    assert await watcher == [7, 8, 9, 10, 11]


async def test_the_log_of_a_release_that_ended_is_read_and_over(tmp_path: Path):
    ReleaseLogs(tmp_path, MIB, plain).publish(1, line("x"))
    async with asyncio.timeout(5):
        assert await _texts(ReleaseLogs(tmp_path, MIB, plain), 1) == [1]
        assert await _texts(ReleaseLogs(tmp_path, MIB, plain), 2) == []


async def test_lines_published_in_another_thread_arrive(logs: ReleaseLogs):
    logs.open(1)
    watcher = asyncio.create_task(_texts(logs, 1))
    await asyncio.sleep(0.02)

    def work() -> None:
        for number in range(500):
            logs.publish(1, line(str(number)))
        logs.close(1)

    threads = threading.Thread(target=work)
    threads.start()
    async with asyncio.timeout(10):
        assert await watcher == list(range(1, 501))
    threads.join()


async def test_a_line_reaches_a_watcher_soon(logs: ReleaseLogs):
    logs.open(1)
    delays: list[float] = []

    async def watch() -> None:
        async for event in logs.watch(1):
            delays.append(time.perf_counter() - float(event["text"]))

    watcher = asyncio.create_task(watch())
    for _ in range(20):
        await asyncio.sleep(0.005)
        logs.publish(1, line(str(time.perf_counter())))
    logs.close(1)
    await watcher
    assert sorted(delays)[10] < 0.2


async def test_a_watcher_that_never_reads_does_not_hold_up_publishing(logs: ReleaseLogs):
    logs.open(1)
    stuck = logs.watch(1)
    logs.publish(1, line("x"))
    await anext(stuck)
    before = time.perf_counter()
    for _ in range(10_000):
        logs.publish(1, line("x" * 80))
    assert time.perf_counter() - before < 5
    await stuck.aclose()


async def test_a_watcher_that_leaves_is_forgotten(logs: ReleaseLogs):
    logs.open(1)
    logs.publish(1, line("x"))
    watcher = logs.watch(1)
    await anext(watcher)
    await watcher.aclose()
    task = asyncio.create_task(_texts(logs, 1))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.02)
    assert not logs._open[1].bells
