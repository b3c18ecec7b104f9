"""Turns BuildKit's plain progress into lines that a person reads: the steps, what they print, and why they failed."""

from __future__ import annotations

import re

_VERTEX = re.compile(r"#(\d+) (.*)", re.DOTALL)
_OUTPUT = re.compile(r"\d+\.\d+ ?(.*)", re.DOTALL)
_DONE = re.compile(r"DONE (\d+\.\d+)s")
_HEADER = re.compile(r"\[[^\]]*\] ?\S|(?:exporting to|importing cache|exporting cache)")
_SILENT_HEADER = re.compile(r"\[(?:internal|auth|context \w+)\]|\[[^\]]*\] load (?:build|metadata)")
_RULER = re.compile(r"-{6}$")
_SLOW_SECONDS = 1.0


class Readable:
    """A filter with a memory: give it each raw line, it gives back the line to show, or None."""

    def __init__(self, hidden: str = "") -> None:
        """`hidden` is a build secret's alias, which is shown as the user wrote it."""
        self._hidden = re.compile(rf"{re.escape(hidden)}(?:,target=/run/secrets/[\w.-]+)?") if hidden else None
        self._headers: dict[str, str] = {}
        self._shown = ""
        self._in_summary = False

    def line(self, raw: str) -> str | None:
        """What to show of one raw line."""
        text = raw.rstrip()
        if self._hidden:
            text = self._hidden.sub(lambda match: match[0].partition(",")[0].rpartition("_")[0], text)
        if _RULER.match(text):
            self._in_summary = not self._in_summary
            return None
        if self._in_summary or not text:
            return None
        match = _VERTEX.fullmatch(text)
        return self._of_vertex(match[1], match[2]) if match else text

    def _of_vertex(self, vertex: str, text: str) -> str | None:
        if output := _OUTPUT.fullmatch(text):
            return self._output(vertex, output[1])
        if text.startswith(("ERROR", "WARN", "CANCELED")):
            return None if text.startswith("CANCELED") else text
        if done := _DONE.match(text):
            return self._done(vertex, float(done[1]))
        if text == "CACHED":
            return None if self._is_silent(vertex) else f"cached: {self._headers.get(vertex, 'step')}"
        if vertex not in self._headers and _HEADER.match(text):
            self._headers[vertex] = text
            return self._show(vertex)
        # BuildKit repeats a step's header when its output goes on after another step's; all else is its own progress.
        return self._show(vertex) if self._headers.get(vertex) == text and self._shown != vertex else None

    def _output(self, vertex: str, text: str) -> str | None:
        if self._is_silent(vertex):
            return None
        self._shown = vertex
        return text

    def _show(self, vertex: str) -> str | None:
        self._shown = vertex
        return None if self._is_silent(vertex) else self._headers[vertex]

    def _done(self, vertex: str, seconds: float) -> str | None:
        if self._is_silent(vertex) or seconds < _SLOW_SECONDS:
            return None
        return f"done in {seconds:.1f} s: {self._headers.get(vertex, 'step')}"

    def _is_silent(self, vertex: str) -> bool:
        return _SILENT_HEADER.match(self._headers.get(vertex, "[internal]")) is not None
