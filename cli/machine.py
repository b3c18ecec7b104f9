"""The state of the server, and what is done on this machine without one: stand-ins of base images, the version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cli.api import Api
from cli.failures import ExitCode, Failure, unreachable
from cli.output import Output
from cli.terminal_text import plain
from robust_error_handler import Code, CommandFailed

if TYPE_CHECKING:
    from domain import Event
    from settings import Settings


def health(api: Api, output: Output) -> None:
    """Whether the server and its tools are well. Raises a Failure with the code of a degraded one."""
    response = api.send("GET", "/health")
    if response.status_code not in (200, 503) or "json" not in response.headers.get("content-type", ""):
        raise unreachable(api.server.url, "what answers there is something else", "Set BUTLER_URL.")
    answer: dict[str, Any] = response.json()
    is_well = answer["status"] == "ok"
    if output.as_json:
        output.json({"url": api.server.url, **answer})
    else:
        _show_health(output, api.server.url, answer)
    if not is_well:
        raise Failure("The Butler is degraded.", exit_code=ExitCode.DEGRADED, is_shown=True)


def list_base_images(output: Output) -> None:
    """The stand-ins on this machine."""
    import base_images

    found = _run(base_images.list_stand_ins)
    if output.as_json:
        return output.json({"base_images": [asdict(stand_in) for stand_in in found]})
    if not found:
        return output.say("There are no stand-ins on this machine.")
    rows = [(one.name, one.official, f"{one.size_bytes / 1e6:.0f} MB", one.created[:10]) for one in found]
    output.table(("NAME", "STANDS FOR", "SIZE", "BUILT"), rows)


def build_base_image(output: Output, name: str) -> None:
    """Build a stand-in anew."""
    import base_images

    def show(event: Event) -> None:
        output.say(f"| {event.text}" if event.kind == "line" else event.text, "dim" if event.kind == "line" else "")

    built = _run(lambda: base_images.build_stand_in(name, show, _settings()))
    if output.as_json:
        output.json({"base_image": asdict(built)})
    else:
        output.result(built.name)


def remove_base_images(output: Output, name: str | None) -> None:
    """Remove one stand-in, or all of them; those in use stay."""
    import base_images

    removed = _run(lambda: base_images.remove_stand_ins([name] if name else []))
    if output.as_json:
        return output.json({"removed": removed})
    for one in removed:
        output.result(one)
    if not removed:
        output.say("Nothing was removed: there is no such stand-in, or it is in use.")


def version(output: Output) -> None:
    """The version of this program."""
    from routes.version import VERSION

    if output.as_json:
        output.json({"version": VERSION})
    else:
        output.result(VERSION)


def _show_health(output: Output, url: str, answer: dict[str, Any]) -> None:
    from rich.text import Text

    word, style = ("well", "bold green") if answer["status"] == "ok" else ("degraded", "bold red")
    output.print(Text.assemble(f"The Butler {answer['version']} at {url} is ", (word, style)), to_stdout=True)
    width = max(map(len, answer["checks"]))
    for name, check in answer["checks"].items():
        mark = ("✓", "green") if check["ok"] else ("✗", "bold red")
        told = plain(str(check["version"] or check["message"]))
        output.print(Text.assemble("  ", mark, f" {name.ljust(width)}  ", told), to_stdout=True)
        if check["hint"]:
            output.print(Text(f"    {' ' * width}  {plain(check['hint'])}", style="dim"), to_stdout=True)


def _settings() -> Settings:
    from settings import ROOT, Settings

    return Settings(_env_file=ROOT / ".env")


def _run(work: Callable[[], Any]) -> Any:
    try:
        return asyncio.run(work())
    except CommandFailed as error:
        hint = "See whether Docker runs: docker version"
        raise Failure(f"{error}.", hint, Code.DOCKER_DOWN, lines=tuple(error.tail[-5:])) from error
