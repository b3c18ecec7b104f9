"""The command line of DevOps Butler: reads what was typed and hands it to `cli`; each command imports what it needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import app_words
from cli.command import Detach, Json, Name, OverridesFile, Settings, Timeout, Url, Verbose, asking, printing

EPILOG = """\
\b
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 degraded (health), 4 not logged in,
5 not found, 6 no server answers, 7 time is up, 130 interrupted.

\b
The server is found by --url, BUTLER_URL, BUTLER_PORT, the last log-in, or it is
http://127.0.0.1:8000. BUTLER_TOKEN is used in place of a log-in. Results go to
standard output, all else to standard error; NO_COLOR is respected.
"""

app = typer.Typer(
    name="butler",
    help="A Git URL becomes a running URL.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich would double the time until the help is there
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
images = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Stand-ins for base images, on this machine.")
app.add_typer(images, name="base-images")

Branch = Annotated[str | None, typer.Option("--branch", "-b", metavar="NAME", help="Branch or tag.")]
Folder = Annotated[str | None, typer.Option("--subdirectory", "-d", metavar="PATH", help="Folder in the repository.")]
User = Annotated[str | None, typer.Option("--username", "-u", metavar="NAME", help="User name (or e-mail address).")]
Email = Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="E-mail address of a new account.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
BackendEnv = Annotated[
    Path | None,
    typer.Option(
        "--backend-env", metavar="FILE", exists=True, dir_okay=False, readable=True, help="Variables of the app."
    ),
]
FrontendEnv = Annotated[
    Path | None,
    typer.Option(
        "--frontend-env", metavar="FILE", exists=True, dir_okay=False, readable=True, help="Variables of the build."
    ),
]


@app.callback(invoke_without_command=True)
def start(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """A Git URL becomes a running URL."""
    if version:
        show_version()
        raise typer.Exit()


@app.command()
def deploy(
    address: Annotated[str, typer.Argument(metavar="URL", help="Address of a Git repository, or a folder here.")],
    branch: Branch = None,
    subdirectory: Folder = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", metavar="NAME", help="Deploy this app of yours again.")
    ] = None,
    backend_env: BackendEnv = None,
    frontend_env: FrontendEnv = None,
    settings: Settings = None,
    overrides: OverridesFile = None,
    detach: Detach = False,
    timeout: Timeout = None,
    verbose: Verbose = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """Deploy a repository and print its address.

    The address is printed once it answers. Ctrl-C leaves the deployment running on the server. What --set and
    --overrides say is kept with the app, in place of what it had; an empty file clears it.
    """
    from cli import deploying
    from cli.overrides import Overrides

    given = Overrides(settings or (), overrides)
    wish = deploying.Wish(
        address, branch, subdirectory, name, backend_env, frontend_env, given, detach, timeout, is_verbose=verbose
    )
    with asking(json, url) as (api, output):
        deploying.deploy(api, output, wish)


@app.command()
def plan(
    address: Annotated[str, typer.Argument(metavar="URL_OR_FOLDER", help="A repository, or a folder here.")],
    branch: Branch = None,
    subdirectory: Folder = None,
    settings: Settings = None,
    overrides: OverridesFile = None,
    dockerfile: Annotated[bool, typer.Option("--dockerfile", help="Print the Dockerfile only.")] = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """Show how a repository would be deployed, and why.

    A folder of this machine is planned here, without a server.
    """
    from cli import planning
    from cli.overrides import Overrides

    wish = planning.Wish(address, branch, subdirectory, Overrides(settings or (), overrides))
    with asking(json, url) as (api, output):
        planning.plan(api, output, wish, dockerfile=dockerfile)


@app.command(name="list")
def list_apps(json: Json = False, url: Url = None) -> None:
    """List your apps."""
    from cli import apps

    with asking(json, url) as (api, output):
        apps.list_apps(api, output)


@app.command()
def status(name: Name, json: Json = False, url: Url = None) -> None:
    """Show one app and its newest release."""
    from cli import apps

    with asking(json, url) as (api, output):
        apps.status(api, output, name)


@app.command()
def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[
        int | None, typer.Option("--lines", "-n", min=1, metavar="N", help="Only the last N lines.")
    ] = None,
    build: Annotated[bool | None, typer.Option("--build/--app", help="The deployment's log, or the app's own.")] = None,
    release: Annotated[int | None, typer.Option("--release", min=1, metavar="N", help="Of this release.")] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Without colours.")] = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """Show the log of an app or of its deployment.

    Without --build or --app it is the app's own where that is live, and its deployment's otherwise.
    """
    from cli.logs import logs as show

    with asking(json, url, no_colour=no_color) as (api, output):
        show(api, output, name, of_build=build, follow=follow, lines=lines, release=release)


@app.command()
def cancel(name: Name, json: Json = False, url: Url = None) -> None:
    """End a deployment that is under way.

    The release before it goes on serving.
    """
    from cli import apps

    with asking(json, url) as (api, output):
        apps.cancel(api, output, name)


app_words.add_to(app)


@app.command()
def destroy(
    name: Name,
    confirm: Annotated[str | None, typer.Option("--confirm", metavar="NAME", help="Its name once more.")] = None,
    json: Json = False,
    url: Url = None,
) -> None:
    """Remove an app and all that belongs to it.

    Its containers, images, volumes and logs go; its name has to be typed, or given with --confirm.
    """
    from cli import apps

    with asking(json, url) as (api, output):
        apps.destroy(api, output, name, confirm)


@app.command(name="open")
def open_app(name: Name, json: Json = False, url: Url = None) -> None:
    """Open an app in the browser."""
    from cli import apps

    with asking(json, url) as (api, output):
        apps.open_app(api, output, name)


@app.command()
def login(
    username: User = None,
    email: Email = None,
    register: Annotated[bool, typer.Option("--register", help="Make an account first.")] = False,
    password_stdin: FromStdin = False,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read a token from standard input.")] = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """Log in.

    The log-in is stored in a file that only you can read, and renews itself.
    """
    from cli import accounts

    with asking(json, url) as (api, output):
        if token_stdin:
            accounts.log_in_with_token(api, output)
        elif register:
            accounts.register(api, output, username=username, email=email, password_from_stdin=password_stdin)
        else:
            accounts.log_in(api, output, username=username, password_from_stdin=password_stdin)


@app.command()
def register(
    username: User = None,
    email: Email = None,
    password_stdin: FromStdin = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """Make an account and log in."""
    from cli import accounts

    with asking(json, url) as (api, output):
        accounts.register(api, output, username=username, email=email, password_from_stdin=password_stdin)


@app.command()
def logout(json: Json = False, url: Url = None) -> None:
    """Log out, on the server too."""
    from cli import accounts

    with asking(json, url) as (api, output):
        accounts.log_out(api, output)


@app.command()
def whoami(json: Json = False, url: Url = None) -> None:
    """Show who is logged in."""
    from cli import accounts

    with asking(json, url) as (api, output):
        accounts.who_am_i(api, output)


@app.command()
def health(json: Json = False, url: Url = None) -> None:
    """Show how the server and its tools are.

    The exit code is 3 where one of them is not well, and 6 where no server answers.
    """
    from cli import machine

    with asking(json, url) as (api, output):
        machine.health(api, output)


@images.command(name="list")
def list_images(json: Json = False) -> None:
    """List the stand-ins on this machine."""
    from cli import machine

    with printing(json) as output:
        machine.list_base_images(output)


@images.command(name="build")
def build_image(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An official name, such as node:22-slim, or a family.")],
    json: Json = False,
) -> None:
    """Build a stand-in anew, from packages."""
    from cli import machine

    with printing(json) as output:
        machine.build_base_image(output, name)


@images.command(name="remove")
def remove_images(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Its name; all of them without it.")] = None,
    json: Json = False,
) -> None:
    """Remove stand-ins; those in use stay."""
    from cli import machine

    with printing(json) as output:
        machine.remove_base_images(output, name)


@app.command(name="version")
def show_version(json: Json = False) -> None:
    """Print the version."""
    from cli import machine

    with printing(json) as output:
        machine.version(output)


def main() -> None:
    """Run the command that was typed, and end with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    arguments = sys.argv[1:]
    if "--json" not in arguments:
        app(args=arguments, prog_name="butler")
        return
    try:
        code = app(args=arguments, prog_name="butler", standalone_mode=False)
    except (typer.TyperException, typer.Abort) as error:
        _print_usage_error(error)
        code = getattr(error, "exit_code", 1)
    sys.exit(code or 0)


def _print_usage_error(error: Exception) -> None:
    from cli.failures import usage
    from cli.output import Output

    message = error.format_message() if isinstance(error, typer.TyperException) else "Nothing was entered."
    Output(as_json=True).failure(usage(message, "See --help."))


if __name__ == "__main__":
    main()
