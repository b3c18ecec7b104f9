"""How a deployment looks: steps with durations on a terminal, lines with the time elsewhere, a card where it fails."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from cli.failures import Failure
from cli.output import Output
from cli.steps import LiveSteps, PlainSteps, event_line, seconds_text, steps_view


def terminal(width: int = 80, **more: Any) -> tuple[Output, io.StringIO]:
    """An output whose two streams are one terminal."""
    screen = io.StringIO()
    output = Output()
    environment = {"TERM": "xterm-256color", **more.pop("environment", {})}
    console = Console(
        file=screen, force_terminal=True, width=width, highlight=False, markup=False, _environ=environment, **more
    )
    output.__dict__["out"] = output.__dict__["err"] = console
    return output, screen


def event(kind: str, stage: str | None, text: str = "", **more: Any) -> dict[str, Any]:
    return {"seq": 1, "time": "2026-01-15T10:30:00.000Z", "kind": kind, "stage": stage, "text": text, **more}


def shown(*events: dict[str, Any], width: int = 80) -> str:
    output, screen = terminal(width, color_system=None)
    with LiveSteps(output) as steps:
        for one in events:
            steps.show(one)
    return screen.getvalue()


def test_a_finished_step_stays_with_its_duration_and_what_it_found() -> None:
    text = shown(
        event("stage-started", "detect", "Finding out what the project is"),
        event("note", "detect", "node: express · 22 · npm"),
        event("note", "detect", "port = 4000 (from server.js:4)"),
        event("stage-finished", "detect", seconds=0.05),
    )
    assert "  ✓ detect      0.1 s   node: express · 22 · npm\n" in text
    assert "port = 4000" not in text


def test_a_failed_step_is_marked_and_its_reason_left_to_the_card() -> None:
    text = shown(
        event("stage-started", "build", "Building the image"),
        event("line", "build", "npm error"),
        event("stage-failed", "build", "npm: not found", seconds=3.0),
    )
    assert "  ✗ build       3.0 s\n" in text
    assert "npm: not found" not in text


def test_a_warning_stays_and_wraps_under_itself() -> None:
    text = shown(event("warning", "detect", "There is no lockfile. " * 6), width=60)
    rows = [row.removeprefix("\x1b[?25l") for row in text.splitlines() if "lockfile" in row]
    assert rows[0].startswith("  ! There is no lockfile.")
    assert rows[1].startswith("    ")
    assert max(map(len, rows)) <= 60


def test_no_line_of_output_is_wider_than_the_terminal() -> None:
    text = shown(
        event("stage-started", "build", "Building the image"),
        event("line", "build", "x" * 500),
        event("note", "clone", "y" * 500),
        event("stage-finished", "build", seconds=1.0),
        width=40,
    )
    assert max(len(row) for row in text.replace("\r", "\n").splitlines() if "\x1b" not in row) <= 40


def test_what_the_server_sends_cannot_move_the_cursor() -> None:
    text = shown(
        event("stage-started", "clone", "Cloning \x1b[2J"),
        event("note", "clone", "main: a \x1b]0;title\x07subject"),
        event("stage-finished", "clone", seconds=1.0),
    )
    assert "\x1b[2J" not in text
    assert "title" not in text
    assert "main: a subject" in text


def test_a_terminal_that_can_do_little_gets_lines() -> None:
    assert isinstance(steps_view(terminal()[0], with_lines=False), LiveSteps)
    assert isinstance(steps_view(terminal()[0], with_lines=True), PlainSteps)
    assert isinstance(steps_view(terminal(environment={"TERM": "dumb"})[0], with_lines=False), PlainSteps)
    assert isinstance(steps_view(Output(), with_lines=False), PlainSteps)


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("stage-started", "Building the image", "build    Building the image"),
        ("stage-finished", "ignored", "build    done in 2.5 s"),
        ("stage-failed", "ignored", "build    failed after 2.5 s"),
        ("failure", "npm: not found", "build    failed: npm: not found"),
        ("line", "added 71 packages", "build    | added 71 packages"),
        ("warning", "old", "build    warning: old"),
        ("note", "reused", "build    reused"),
    ],
)
def test_each_kind_of_event_has_its_line(kind: str, text: str, wanted: str) -> None:
    line = event_line(event(kind, "build", text, seconds=2.5))
    assert line.split(" ", 1)[1] == wanted
    assert len(line.split(" ", 1)[0]) == len("10:30:00")


def test_durations_are_for_people() -> None:
    assert [seconds_text(value) for value in (0.04, 12.48, 185, None)] == ["0.0 s", "12.5 s", "3 min 05 s", "?"]


def test_the_card_shows_the_last_lines_the_remedy_and_the_commands() -> None:
    output, screen = terminal(80, color_system=None)
    lines = tuple(f"line {number}" for number in range(20))
    output.card(
        "Deployment failed: build-failed", Failure("It broke.", "Mend it.", lines=lines), [("The log", "x logs")]
    )
    text = screen.getvalue()
    assert text.startswith("╭─ Deployment failed: build-failed ─")
    assert "… 8 more above" in text
    assert "line 19" in text
    assert "line 7 " not in text
    assert "What to do: Mend it." in text
    assert "The log  x logs" in text


def test_colours_are_left_out_where_they_are_not_wanted() -> None:
    output, screen = terminal(environment={"NO_COLOR": "1"})
    output.card("Failed", Failure("It broke."))
    assert "\x1b[31m" not in screen.getvalue()
    output, screen = terminal()
    output.card("Failed", Failure("It broke."))
    assert "\x1b[31m" in screen.getvalue()


def test_on_a_terminal_names_stay_whole_and_the_last_column_gives_way() -> None:
    output, screen = terminal(60, color_system=None)
    output.table(("NAME", "STATE", "REPOSITORY"), [("octo-site-a1b2c3d4", "live", "github.com/" + "o" * 40 + "/site")])
    rows = screen.getvalue().splitlines()
    assert all(len(row) <= 60 for row in rows)
    assert "octo-site-a1b2c3d4" in rows[1]
    assert rows[1].endswith("/site")
    output, screen = terminal(30, color_system=None)
    output.table(("NAME", "STATE", "REPOSITORY"), [("octo-site-a1b2c3d4", "live", "github.com/octo/site")])
    assert screen.getvalue().splitlines()[1] == "octo-site-a1b2c3d4  live"
