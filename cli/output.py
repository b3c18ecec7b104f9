"""What a command prints: its result to standard output, all else to standard error, or one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.failures import SCHEMA, as_json
from cli.terminal_text import coloured, plain
from robust_error_handler import ButlerError

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST_CARD = 100
_GAP = "  "


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
        self.err.print(plain(text), style=style or None, soft_wrap=True)

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[str, str] | None = None
    ) -> None:
        """Rows under their heads: fitted to a terminal, in full width elsewhere. `styles` colours whole cells."""
        if not self.out.is_terminal:
            widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
            for row in (heads, *rows):
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                _write(_GAP.join(cells).rstrip())
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for number, head in enumerate(heads):
            table.add_column(head, no_wrap=True, overflow="ellipsis", ratio=None if number else 0)
        for row in rows:
            table.add_row(*(Text(cell, style=(styles or {}).get(cell, "")) for cell in row))
        self.out.print(table)

    def pairs(self, entries: Sequence[tuple[str, str]]) -> None:
        """Named values, one a line."""
        from rich.text import Text

        width = max((len(name) for name, _ in entries), default=0)
        for name, value in entries:
            if value:
                text = Text.assemble((name.ljust(width + 2), "dim"), plain(value))
                self.out.print(text, soft_wrap=True)

    def failure(self, error: ButlerError) -> None:
        """What failed and what to do next."""
        if self.as_json:
            _write(json.dumps(as_json(error)))
            return
        from rich.text import Text

        self.err.print(Text.assemble(("Error: ", "bold red"), plain(error.message)), soft_wrap=True)
        for line in error.lines:
            self.err.print(Text(f"  | {plain(line)}", style="dim"), soft_wrap=True)
        if error.hint:
            self.err.print(Text(plain(error.hint)), soft_wrap=True)

    def card(self, title: str, error: ButlerError, commands: Sequence[tuple[str, str]] = ()) -> None:
        """A failed deployment: what failed, the lines that show it, the remedy, and the commands that go on."""
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        parts: list[Text] = [Text(plain(error.message), style="bold")]
        if error.lines:
            parts += [Text(), *(Text(plain(line), style="dim red") for line in error.lines)]
        if error.hint:
            parts += [Text(), Text.assemble(("What to do: ", "bold green"), plain(error.hint))]
        if commands:
            width = max(len(label) for label, _ in commands)
            parts += [Text(), *(Text.assemble((f"{label.ljust(width)}  ", "dim"), what) for label, what in commands)]
        if not self.err.is_terminal:
            self.err.print(Text(f"\n{title}"), soft_wrap=True)
            for part in parts:
                self.err.print(part, soft_wrap=True)
            return
        width = min(self.err.width, _WIDEST_CARD)
        self.err.print(
            Panel(Group(*parts), title=Text(title), title_align="left", border_style="red", padding=(1, 2), width=width)
        )

    def _console(self, *, to_stderr: bool) -> Console:
        from rich.console import Console

        return Console(stderr=to_stderr, highlight=False, markup=False, emoji=False, no_color=self._no_colour)


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
