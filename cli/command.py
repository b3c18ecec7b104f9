"""What the commands share: their common options, the server that is meant, and what a failure makes of the exit code.

Loaded for `--help` too, so it loads nothing itself until a command runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.api import Api
    from cli.output import Output

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object; errors too.")]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="Address of the server.", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the app, as `list` shows it.", show_default=False)]
Detach = Annotated[bool, typer.Option("--detach", help="Print the name and return at once.")]
Timeout = Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", min=1, help="Wait no longer.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every line of output.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A value in place of the detected one, by its key in butler.yml, such as run.port=3000. May be repeated.",
    ),
]
OverridesFile = Annotated[
    Path | None,
    typer.Option(
        "--overrides",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="A file with the keys of butler.yml (YAML or JSON), which beats the repository's.",
    ),
]


@contextmanager
def printing(json: bool, *, no_colour: bool = False) -> Iterator[Output]:
    """Where a command prints to; what it fails of is printed there, and becomes the exit code."""
    from cli.failures import ExitCode, Failure, exit_code_of, from_system
    from cli.output import Output
    from robust_error_handler import ButlerError

    output = Output(as_json=json, no_colour=no_colour)
    try:
        with from_system():
            yield output
    except ButlerError as error:
        if not (isinstance(error, Failure) and error.is_shown):
            output.failure(error)
        raise typer.Exit(exit_code_of(error)) from error
    except typer.Abort as error:  # Ctrl-C where something was asked
        output.say("")
        raise typer.Exit(ExitCode.INTERRUPTED) from error


@contextmanager
def asking(json: bool, url: str | None, *, no_colour: bool = False) -> Iterator[tuple[Api, Output]]:
    """The server that is meant, and where to print to."""
    with printing(json, no_colour=no_colour) as output:
        from cli.api import Api
        from cli.credentials import SessionFile
        from cli.server import find_server

        sessions = SessionFile()
        yield Api(find_server(url, sessions), sessions), output
