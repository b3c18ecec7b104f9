"""What a command prints: its result to standard output, all else to standard error, or one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.failures import SCHEMA, as_json
from cli.terminal_text import coloured, plain
from robust_error_handler import ButlerError, Code

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_WIDEST_CARD = 100
_MOST_CARD_LINES = 12
_GAP = "  "
_NARROWEST_COLUMN = 12
COMMAND_INDENT = "  "
"""Lines of a hint that begin so are commands to type."""


class Output:
    """The two streams of one command."""

    def __init__(self, *, as_json: bool = False, no_colour: bool = False) -> None:
        self.as_json = as_json
        self._no_colour = no_colour or None

    @cached_property
    def out(self) -> Console:
        """Standard output, for results."""
        return self._console(to_stderr=False)

    @cached_property
    def err(self) -> Console:
        """Standard error, for progress and remarks."""
        return self._console(to_stderr=True)

    def result(self, text: str) -> None:
        """The result of a command, as a line that scripts can take."""
        _write(plain(text))

    def line(self, text: str) -> None:
        """A line of a log, with its colours where they are wanted."""
        _write(coloured(text) if self.out.is_terminal and not self.out.no_color else plain(text))

    def json(self, content: Mapping[str, Any]) -> None:
        """The one object of `--json`."""
        indent = 2 if sys.stdout.isatty() else None
        _write(json.dumps({"schema": SCHEMA, **content}, indent=indent))

    def json_line(self, content: Mapping[str, Any]) -> None:
        """One object of a stream."""
        _write(json.dumps({"schema": SCHEMA, **content}))

    def say(self, text: str, style: str = "") -> None:
        """A remark."""
        from rich.text import Text

        self.print(Text(plain(text), style=style))

    def command(self, text: str, label: str = "") -> None:
        """A command to type: on a line of its own that no line break cuts, so that it can be copied."""
        from rich.text import Text

        line = Text.assemble(COMMAND_INDENT, (f"{label}  " if label else "", "dim"), plain(text))
        self.err.print(line, soft_wrap=True)

    def print(self, text: Text, *, to_stdout: bool = False) -> None:
        """Text for people: wrapped between words on a terminal, one line elsewhere."""
        console = self.out if to_stdout else self.err
        console.print(text, soft_wrap=not console.is_terminal)

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[str, str] | None = None
    ) -> None:
        """Rows under their heads; on a terminal the last column gives way, and keeps its end.

        `styles` colours cells by their text.
        """
        from rich.text import Text

        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        room = widths[-1]
        if self.out.is_terminal:
            room = self.out.width - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
        for number, row in enumerate((heads, *rows)):
            line = Text(style="" if number else "dim")
            for cell, width in zip(row[:-1], widths, strict=False):
                line.append(plain(cell).ljust(width) + _GAP, style=(styles or {}).get(cell, ""))
            if room >= min(_NARROWEST_COLUMN, widths[-1]):
                line.append(_end_of(plain(row[-1]), room))
            line.rstrip()
            self.out.print(line, soft_wrap=True)

    def grid(self, rows: Sequence[Sequence[str]], styles: Sequence[str]) -> None:
        """Rows without heads; what is too long is wrapped under itself on a terminal. `styles` are the columns'."""
        from rich.table import Table
        from rich.text import Text

        if not self.out.is_terminal:
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for row in rows:
                _write(_GAP.join(plain(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
            return
        grid = Table.grid(padding=(0, len(_GAP), 0, 0))
        for number, _ in enumerate(styles):
            grid.add_column(no_wrap=number == 0)
        for row in rows:
            grid.add_row(
                *(Text(plain(cell), style=style, overflow="fold") for cell, style in zip(row, styles, strict=True))
            )
        self.out.print(grid)

    def failure(self, error: ButlerError) -> None:
        """What failed and what to do next."""
        if self.as_json:
            _write(json.dumps(as_json(error)))
            return
        from rich.text import Text

        is_choice = error.code is Code.INTERRUPTED  # leaving is no error
        self.print(Text.assemble("" if is_choice else ("Error: ", "bold red"), plain(error.message)))
        for line in error.lines:
            self.print(Text(f"  | {plain(line)}", style="dim"))
        for line in error.hint.splitlines():
            if line.startswith(COMMAND_INDENT):
                self.command(line.strip())
            else:
                self.print(Text(plain(line)))

    def card(self, title: str, error: ButlerError, commands: Sequence[tuple[str, str]] = ()) -> None:
        """A failed deployment: what failed, the lines that show it, the remedy, and the commands that go on."""
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        parts = [Text(plain(error.message), style="bold"), *_shown_lines(error.lines)]
        if error.hint:
            parts += [Text(), Text.assemble(("What to do: ", "bold green"), plain(error.hint))]
        if self.err.is_terminal:
            looks: dict[str, Any] = {"title_align": "left", "border_style": "red", "padding": (1, 2)}
            width = min(self.err.width, _WIDEST_CARD)
            self.err.print(Panel(Group(*parts), title=Text(title), width=width, **looks))
        else:
            for part in (Text(f"\n{title}"), *parts):
                self.err.print(part, soft_wrap=True)
        label_width = max((len(label) for label, _ in commands), default=0)
        for label, what in commands:
            self.command(what, label.ljust(label_width))

    def _console(self, *, to_stderr: bool) -> Console:
        from rich.console import Console

        return Console(stderr=to_stderr, highlight=False, markup=False, emoji=False, no_color=self._no_colour)


def _end_of(text: str, room: int) -> str:
    return text if len(text) <= room else f"…{text[len(text) - room + 1 :]}"


def _shown_lines(lines: Sequence[str]) -> list[Text]:
    """The last lines of output, each on one line; how many more there are is said."""
    from rich.text import Text

    kept = [line for line in map(plain, lines) if line.strip()][-_MOST_CARD_LINES:]
    if not kept:
        return []
    left_out = sum(1 for line in lines if line.strip()) - len(kept)
    more = [Text(f"  … {left_out} more above", style="dim")] if left_out else []
    shown = [Text(f"  {line}", style="red", no_wrap=True, overflow="ellipsis") for line in kept]
    return [Text(), *more, *shown]


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
