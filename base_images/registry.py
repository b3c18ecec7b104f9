"""Whether an image is on this machine or can be pulled, and for how long a silent registry is left alone."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum

import shell
from domain import Emit, Event, EventKind, Stage
from robust_error_handler import Code, CommandFailed, CommandTimedOut, DeploymentFailed

SILENCE_SECONDS = 600.0
_FIRST_WORD_SECONDS = 20.0
_PULL_SECONDS = 900.0
_NO_ENGINE = ("cannot connect to the docker daemon", "is the docker daemon running", "dial unix")
_NO_SUCH_IMAGE = (
    "manifest unknown",
    "not found",
    "pull access denied",
    "does not exist",
    "no matching manifest",
    "unauthorized",
    "denied",
    "invalid reference format",
)
_NETWORK = ("no such host", "timeout", "refused", "unreachable", "eof", "toomanyrequests", "server misbehaving")


_SILENCES = (
    ("no such host", "is not known to this machine's name service"),
    ("server misbehaving", "is not known to this machine's name service"),
    ("toomanyrequests", "gives no more for now: its rate limit is reached"),
    ("refused", "refuses connections"),
    ("unreachable", "cannot be reached from this machine's network"),
    ("timeout", "does not answer in time"),
    ("no word", "does not answer in time"),
    ("certificate", "has a certificate that this machine does not trust"),
    ("eof", "breaks off the connection"),
)


class Pull(StrEnum):
    """How a pull ended: SILENT means that the registry did not answer, REFUSED that it has no such image for us."""

    DONE = "done"
    SILENT = "silent"
    REFUSED = "refused"


@dataclass
class SilentRegistries:
    """The registries that did not answer a short while ago, each with what was said."""

    since: dict[str, tuple[float, str]] = field(default_factory=dict)

    def add(self, registry: str, reason: str) -> None:
        """Leave this registry alone for a while."""
        self.since[registry] = (time.monotonic(), reason)

    def reason(self, registry: str) -> str | None:
        """What it said when it last failed, or None when it is worth a try."""
        seen = self.since.get(registry)
        return seen[1] if seen and time.monotonic() - seen[0] < SILENCE_SECONDS else None


def inspect_argv(name: str, template: str = "{{.Id}}") -> list[str]:
    """Ask for one fact about an image on this machine."""
    return ["docker", "image", "inspect", "--format", template, "--", name]


def pull_argv(name: str) -> list[str]:
    """Pull an image."""
    return ["docker", "pull", "--", name]


async def inspect(name: str, template: str = "{{.Id}}") -> str | None:
    """One fact about an image on this machine, None where there is no such image."""
    try:
        return (await shell.output(inspect_argv(name, template), waiting_for="docker image inspect")).strip()
    except CommandFailed as error:
        text = "\n".join(error.tail)
        if any(words in text.lower() for words in _NO_ENGINE) or isinstance(error, CommandTimedOut):
            raise DeploymentFailed(
                Code.DOCKER_DOWN,
                "The Docker engine does not answer.",
                "Run `./butler setup` on the server.",
                error.tail,
            ) from error
        return None


async def pull(name: str, emit: Emit) -> tuple[Pull, str]:
    """Pull an image with its progress as lines; the registry must say something soon, the rest may take long."""
    heard = asyncio.Event()

    def on_line(line: str) -> None:
        heard.set()
        emit(Event(EventKind.LINE, Stage.BUILD, line))

    task = asyncio.create_task(
        shell.stream(pull_argv(name), on_line, timeout_seconds=_PULL_SECONDS, waiting_for=f"docker pull {name}")
    )
    try:
        if not await _speaks(heard, task):
            return Pull.SILENT, f"no word from the registry in {_FIRST_WORD_SECONDS:.0f} s"
        await task
        return Pull.DONE, ""
    except CommandFailed as error:
        last = (error.tail[-1] if error.tail else str(error)).removeprefix("Error response from daemon: ")
        return classify(last), last
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def in_plain_words(reason: str) -> str:
    """What a silent registry's last words mean, to be said after its name."""
    text = reason.lower()
    return next((words for sign, words in _SILENCES if sign in text), "does not answer as a registry should")


def classify(message: str) -> Pull:
    """What Docker's last line of a failed pull means."""
    text = message.lower()
    if any(words in text for words in _NETWORK) or not any(words in text for words in _NO_SUCH_IMAGE):
        return Pull.SILENT
    return Pull.REFUSED


async def _speaks(heard: asyncio.Event, task: asyncio.Task[int]) -> bool:
    """Wait until the pull has said something or has ended; False if it does neither in time."""
    waiting = asyncio.create_task(heard.wait())
    try:
        done, _ = await asyncio.wait({waiting, task}, timeout=_FIRST_WORD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        waiting.cancel()
