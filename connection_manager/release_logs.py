"""The logs of all releases: publishing to them, reading them and watching them grow; knows no sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connection_manager.log_file import LogReader, LogWriter
from connection_manager.log_text import Redact, clean, clean_detail
from domain import Event, EventKind

log = logging.getLogger(__name__)
_MAY_BE_CUT = frozenset({EventKind.LINE, EventKind.NOTE, EventKind.WARNING})
Line = tuple[int, str]
"""A line's number and its JSON text."""


@dataclass(eq=False)
class _Bell:
    """Wakes one watcher, from whichever thread."""

    loop: asyncio.AbstractEventLoop
    rang: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self) -> None:
        with suppress(RuntimeError):  # the watcher's loop is gone
            if _running_loop() is self.loop:
                self.rang.set()
            else:
                self.loop.call_soon_threadsafe(self.rang.set)


@dataclass(eq=False)
class _OpenLog:
    writer: LogWriter
    bells: set[_Bell] = field(default_factory=set)
    is_cut: bool = False
    lost: int = 0

    def ring(self) -> None:
        for bell in tuple(self.bells):
            bell.ring()


class ReleaseLogs:
    """A release's log is its file. A watcher reads the file and waits for more until the log is closed.

    A log that was not opened in this process, by `open` or by the first `publish`, counts as closed.
    """

    def __init__(self, log_dir: Path, max_bytes: int, redact: Redact) -> None:
        self._dir = log_dir
        self._max_bytes = max_bytes
        self._redact = redact
        self._lock = threading.RLock()
        self._open: dict[int, _OpenLog] = {}
        self._closed: set[int] = set()

    def open(self, release_id: int) -> None:
        """Let watchers wait for this release before its first event. A file that cannot be opened is said and left."""
        try:
            with self._lock:
                self._opened(release_id)
        except OSError:
            log.exception("the log of release %s cannot be opened", release_id)

    def publish(self, release_id: int, event: Event) -> int:
        """Store an event and wake whoever watches; its number, or the last one if it was not stored.

        Never raises and never waits for a watcher. Callable from any thread.
        """
        try:
            record = self._record(event)
            with self._lock:
                was_closed = release_id in self._closed
                seq = self._store(self._opened(release_id), event.kind, record)
                if was_closed:
                    self.close(release_id)
                return seq
        except (OSError, ValueError, TypeError, RecursionError):
            log.exception("an event of release %s could not be stored", release_id)
            return 0

    def close(self, release_id: int) -> None:
        """Nothing more will come: watchers end when they have read everything."""
        with self._lock:
            self._closed.add(release_id)
            if opened := self._open.pop(release_id, None):
                opened.writer.close()
                opened.ring()

    def delete(self, release_id: int) -> None:
        """Remove the log of a release that is gone."""
        self.close(release_id)
        self._path(release_id).unlink(missing_ok=True)

    def is_open(self, release_id: int) -> bool:
        """Whether more may come."""
        return release_id in self._open

    def read(self, release_id: int, after: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        """Up to `limit` events after a number. Blocks for disk reads: call it in a thread."""
        reader = LogReader(self._path(release_id), after)
        events: list[dict[str, Any]] = []
        has_more = True
        while has_more and len(events) < limit:
            lines, has_more = reader.lines(limit - len(events))
            events += [json.loads(text) for _, text in lines]
        return events

    async def watch(self, release_id: int, after: int = 0) -> AsyncIterator[dict[str, Any]]:
        """Each event after a number, those to come included, until the log is closed."""
        async for lines in self.watch_lines(release_id, after):
            for _, text in lines:
                yield json.loads(text)

    async def watch_lines(self, release_id: int, after: int = 0) -> AsyncIterator[list[Line]]:
        """The same in batches and as JSON text, for those who only pass it on."""
        reader = LogReader(self._path(release_id), after)
        bell = _Bell(asyncio.get_running_loop())
        opened = self._hang(bell, release_id)
        try:
            while True:
                # Asked before reading: what was written before the close is then read for certain.
                is_last = opened is None or self._open.get(release_id) is not opened
                bell.rang.clear()
                lines, has_more = await asyncio.to_thread(reader.lines)
                if lines:
                    yield lines
                if has_more:
                    continue
                if is_last:
                    return
                await bell.rang.wait()  # without a time-out: the log is closed in every case when its release ends
        finally:
            if opened is not None:
                opened.bells.discard(bell)

    def _opened(self, release_id: int) -> _OpenLog:
        self._closed.discard(release_id)
        if release_id not in self._open:
            writer = LogWriter(self._path(release_id))
            self._open[release_id] = _OpenLog(writer, is_cut=writer.size >= self._max_bytes)
        return self._open[release_id]

    def _hang(self, bell: _Bell, release_id: int) -> _OpenLog | None:
        with self._lock:
            opened = self._open.get(release_id)
            if opened is not None:
                opened.bells.add(bell)
            return opened

    def _path(self, release_id: int) -> Path:
        return self._dir / f"{int(release_id)}.ndjson"

    def _record(self, event: Event) -> dict[str, Any]:
        text = event.text.replace("\n", " ") if event.kind is EventKind.LINE else event.text
        return {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "kind": str(event.kind),
            "stage": None if event.stage is None else str(event.stage),
            "text": clean(text, self._redact),
            "seconds": event.seconds,
            "detail": clean_detail(event.detail, self._redact),
        }

    def _store(self, opened: _OpenLog, kind: EventKind, record: dict[str, Any]) -> int:
        if kind in _MAY_BE_CUT and opened.writer.size >= self._max_bytes:
            if opened.is_cut:
                return opened.writer.last_seq
            opened.is_cut = True
            record = _remark(record, f"The log is cut here: it reached {self._max_bytes:,} bytes.", "cut")
        try:
            if opened.lost:
                opened.writer.append(_remark(record, f"{opened.lost} lines could not be stored.", "lost"))
                opened.lost = 0
            seq = opened.writer.append(record)
        except OSError as error:
            if not opened.lost:
                log.error("a deployment's log cannot be written: %s", error)
            opened.lost += 1
            return opened.writer.last_seq
        opened.ring()
        return seq


def _remark(record: dict[str, Any], text: str, mark: str) -> dict[str, Any]:
    return {**record, "kind": str(EventKind.WARNING), "text": text, "seconds": None, "detail": {mark: True}}


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
