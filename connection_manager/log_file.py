"""One release's log on disk: numbered JSON lines that are appended, and read from any number on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 64 * 1024


class LogWriter:
    """Appends numbered lines. Numbers go on where the file left off, also after a restart."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.size = os.fstat(self._file).st_size
        self._is_torn = self.size > 0 and os.pread(self._file, 1, self.size - 1) != b"\n"
        self.last_seq = _last_seq(self._file, self.size)

    def append(self, record: dict[str, Any]) -> int:
        """Write one line and return its number. Raises OSError, and then the number is still free."""
        seq = self.last_seq + 1
        text = json.dumps({"seq": seq, **record}, ensure_ascii=False, separators=(",", ":"), default=str)
        line = text.encode("utf-8", "replace") + b"\n"
        self._write(b"\n" + line if self._is_torn else line)
        self.last_seq = seq
        return seq

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _write(self, data: bytes) -> None:
        self._is_torn = True
        while data:
            written = os.write(self._file, data)
            self.size += written
            data = data[written:]
        self._is_torn = False


class LogReader:
    """Reads the lines after a number, as far as they are whole, and goes on from there when asked again."""

    def __init__(self, path: Path, after: int) -> None:
        self._path = path
        self._position = 0
        self._has_more = False
        self.after = after

    def lines(self, limit: int | None = None) -> tuple[list[tuple[int, str]], bool]:
        """The next lines with their numbers, and whether there may be more. Blocks for a disk read."""
        found: list[tuple[int, str]] = []
        for start, raw in self._whole_lines():
            self._position = start + len(raw) + 1
            seq = _seq_of(raw)
            if seq is None or seq <= self.after:
                continue
            self.after = seq
            found.append((seq, raw.decode("utf-8", "replace")))
            if limit is not None and len(found) >= limit:
                return found, True
        return found, self._has_more

    def _whole_lines(self) -> Iterator[tuple[int, bytes]]:
        start, chunk = self._position, self._chunk()
        *lines, _rest = chunk.split(b"\n")
        self._has_more = bool(lines) and len(chunk) >= _CHUNK_BYTES
        for line in lines:
            yield start, line
            start += len(line) + 1

    def _chunk(self) -> bytes:
        """At least one whole line if there is one, however long it is."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                chunk = file.read(_CHUNK_BYTES)
                while len(chunk) >= _CHUNK_BYTES and b"\n" not in chunk:
                    more = file.read(_CHUNK_BYTES)
                    if not more:
                        break
                    chunk += more
                return chunk
        except FileNotFoundError:
            return b""


def _seq_of(raw: bytes) -> int | None:
    """A line's number without parsing the line; None for a torn one."""
    if not raw.startswith(b'{"seq":') or not raw.endswith(b"}"):
        return None
    number = raw[7:27].partition(b",")[0]
    return int(number) if number.isdigit() else None


def _last_seq(file: int, size: int) -> int:
    """The number of the last whole line."""
    end, rest = size, b""
    while end > 0:
        start = max(0, end - _CHUNK_BYTES)
        block = os.pread(file, end - start, start) + rest
        lines = block.split(b"\n")
        for line in reversed(lines if start == 0 else lines[1:]):
            if (seq := _seq_of(line)) is not None:
                return seq
        end, rest = start, lines[0]
    return 0
