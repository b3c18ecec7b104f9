"""Shows a release's events: as steps with durations on a terminal, as plain lines with the time elsewhere."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from cli.output import Output
from cli.terminal_text import coloured, plain
from domain import EventKind, Stage

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_STAGE_WIDTH = max(len(stage) for stage in Stage)
_TAIL_LINES = 6
_REFRESHES_PER_SECOND = 8


class StepsView(Protocol):
    """Shows events while it is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: dict[str, Any]) -> None:
        """Show one event of the release's log."""


def steps_view(output: Output, *, with_lines: bool) -> StepsView:
    """The view that suits standard error; `with_lines` shows every line of output also on a terminal."""
    is_live = output.err.is_terminal and not output.err.is_dumb_terminal and not with_lines
    return LiveSteps(output) if is_live else PlainSteps(output)


def event_line(event: dict[str, Any]) -> str:
    """An event as one line: time, step, text."""
    stage = (event.get("stage") or "").ljust(_STAGE_WIDTH)
    match event["kind"]:
        case EventKind.STAGE_FINISHED:
            text = f"done in {seconds_text(event.get('seconds'))}"
        case EventKind.STAGE_FAILED:
            text = f"failed after {seconds_text(event.get('seconds'))}"
        case EventKind.LINE:
            text = f"| {event['text']}"
        case EventKind.WARNING:
            text = f"warning: {event['text']}"
        case EventKind.FAILURE:
            text = f"failed: {event['text']}"
        case _:
            text = event["text"]
    return f"{clock(event.get('time', ''))} {stage} {text}".rstrip()


def clock(moment: str) -> str:
    """The time of day here, for a moment in the server's words."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return "--:--:--"


def seconds_text(seconds: float | None) -> str:
    """A duration for people: 0.4 s, 12.5 s, 3 min 05 s."""
    if seconds is None:
        return "?"
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class PlainSteps:
    """Every event as a line on standard error. The failure and the address are left to the command."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, event: dict[str, Any]) -> None:
        """Print one event."""
        if event["kind"] not in (EventKind.FAILURE, EventKind.DONE):
            self._output.say(event_line(event))


class LiveSteps:
    """Finished steps as lines that stay; below them the running one with the last lines of its output."""

    def __init__(self, output: Output) -> None:
        from rich.live import Live
        from rich.spinner import Spinner

        self._console = output.err
        self._spinner = Spinner("dots", style="cyan")
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._stage: str | None = None
        self._title = "Waiting for the server"
        self._notes: list[str] = []
        self._has_lines = False
        self._began = time.monotonic()
        self._live = Live(
            console=self._console,
            transient=True,
            refresh_per_second=_REFRESHES_PER_SECOND,
            get_renderable=self._running,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, event: dict[str, Any]) -> None:
        """Take one event in."""
        kind, text = event["kind"], event["text"]
        match kind:
            case EventKind.STAGE_STARTED:
                self._start(event.get("stage"), plain(text))
            case EventKind.STAGE_FINISHED | EventKind.STAGE_FAILED:
                self._finish(event, is_good=kind == EventKind.STAGE_FINISHED)
            case EventKind.LINE:
                self._has_lines = True
                if text.strip():
                    self._tail.append(text)
            case EventKind.NOTE:
                self._notes.append(plain(text))
                if self._stage is None:
                    self._title = plain(text)
            case EventKind.WARNING:
                self._print_warning(plain(text))

    def _start(self, stage: str | None, title: str) -> None:
        self._stage, self._title, self._began = stage, title, time.monotonic()
        self._notes, self._has_lines = [], False
        self._tail.clear()

    def _finish(self, event: dict[str, Any], *, is_good: bool) -> None:
        from rich.text import Text

        mark = Text("✓", style="green") if is_good else Text("✗", style="bold red")
        took = seconds_text(event.get("seconds")).rjust(9)
        line = Text.assemble("  ", mark, f" {(self._stage or '').ljust(_STAGE_WIDTH)}", (took, "dim"))
        if is_good and (remark := self._remark()):
            line.append(f"   {remark}", style="dim")
        self._console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
        self._start(None, "Going on")

    def _remark(self) -> str:
        """What is worth a place beside a finished step."""
        if not self._notes or (self._stage == Stage.BUILD and self._has_lines):
            return ""
        return self._notes[0 if self._stage == Stage.DETECT else -1]

    def _print_warning(self, text: str) -> None:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row(" ", Text("!", style="yellow"), Text(text, style="yellow"))
        self._console.print(grid)

    def _running(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        head = Table.grid(padding=(0, 1))
        took = seconds_text(time.monotonic() - self._began)
        head.add_row("", self._spinner, Text(self._title), Text(took, style="dim"))
        return Group(head, *(self._tail_line(line) for line in self._tail))

    def _tail_line(self, line: str) -> Text:
        from rich.text import Text

        text = Text.from_ansi("      " + coloured(line), style="dim")
        text.no_wrap, text.overflow = True, "ellipsis"
        text.truncate(self._console.width, overflow="ellipsis")
        return text
