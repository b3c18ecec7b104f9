"""The words for an app that was deployed: stop, start, restart, redeploy, releases, env; what they do is elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.command import Detach, Json, Name, Timeout, Url, Verbose, asking

env = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Variables of an app, for its next deployment.")
Build = Annotated[bool, typer.Option("--build", help="Variables of the build, not of the running app.")]


def add_to(app: typer.Typer) -> None:
    """Teach the command line these words."""
    for command in (stop, start, restart, redeploy, releases):
        app.command()(command)
    app.add_typer(env, name="env")


def stop(name: Name, json: Json = False, url: Url = None) -> None:
    """Stop an app.

    Its address, variables and volumes stay; it stays stopped until it is started.
    """
    from cli import lifecycle

    with asking(json, url) as (api, output):
        lifecycle.do(api, output, name, "stop")


def start(name: Name, json: Json = False, url: Url = None) -> None:
    """Start a stopped app at its address."""
    from cli import lifecycle

    with asking(json, url) as (api, output):
        lifecycle.do(api, output, name, "start")


def restart(name: Name, json: Json = False, url: Url = None) -> None:
    """Stop an app and start it again.

    It keeps the variables of its live release: `redeploy` takes edited ones.
    """
    from cli import lifecycle

    with asking(json, url) as (api, output):
        lifecycle.do(api, output, name, "restart")


def redeploy(
    name: Name,
    detach: Detach = False,
    timeout: Timeout = None,
    verbose: Verbose = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """Deploy an app again, with its newest commit and its variables as they are now."""
    from cli import deploying

    with asking(json, url) as (api, output):
        deploying.redeploy(api, output, name, is_detached=detach, timeout_seconds=timeout, is_verbose=verbose)


def releases(name: Name, json: Json = False, url: Url = None) -> None:
    """List the releases of an app."""
    from cli import lifecycle

    with asking(json, url) as (api, output):
        lifecycle.releases(api, output, name)


@env.command(name="list")
def list_variables(
    name: Name,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the values; the server puts that on record.")] = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """List the variables, and which wait for the next deployment."""
    from cli import environment

    with asking(json, url) as (api, output):
        environment.show(api, output, name, reveal=reveal)


@env.command(name="set")
def set_variables(
    name: Name,
    variables: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE...", help="A KEY alone is asked for, and not shown.")
    ],
    build: Build = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """Set variables for the next deployment."""
    from cli import environment

    with asking(json, url) as (api, output):
        environment.set_all(api, output, name, variables, of_build=build)


@env.command(name="unset")
def unset_variables(
    name: Name,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Their names.")],
    build: Build = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """Leave variables out of the next deployment."""
    from cli import environment

    with asking(json, url) as (api, output):
        environment.unset(api, output, name, keys, of_build=build)


@env.command(name="import")
def import_variables(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A `.env` file; - is standard input.", allow_dash=True)],
    build: Build = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """Set all variables of a .env file for the next deployment."""
    from cli import environment

    with asking(json, url) as (api, output):
        environment.read_file(api, output, name, file, of_build=build)
