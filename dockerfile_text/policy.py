"""What a user's Dockerfile may not ask of a host that others share; each refusal names its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dockerfile_text.splitter import Dockerfile, Instruction
from dockerfile_text.stages import Reading, read

OWN_PREFIX = "local-registry/"

_OFFICIAL_SYNTAX = re.compile(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?")
_HUB = re.compile(r"^(?:[a-z0-9-]+\.)?docker\.io/", re.IGNORECASE)
_FETCHING = frozenset({"FROM", "COPY", "ADD", "RUN", "ONBUILD"})
_HARMLESS_NETWORKS = frozenset({"default", "none"})


def refusals(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> tuple[str, ...]:
    """Every reason why this Dockerfile is not built, in the order of its lines; empty when there is none."""
    reading = read(dockerfile, build_args)
    found = [*_syntax(dockerfile), *_foreign_images(reading), *_unreadable(reading)]
    for instruction in dockerfile.instructions:
        found += _entitlements(instruction.triggered or instruction)
    return tuple(f"line {line}: {text}" for line, text in sorted(found, key=lambda item: item[0]))


def _syntax(dockerfile: Dockerfile) -> Iterator[tuple[int, str]]:
    syntax = dockerfile.syntax
    if syntax is None or _OFFICIAL_SYNTAX.fullmatch(syntax.split()[0] if syntax.split() else ""):
        return
    line = next((at for at, text in enumerate(dockerfile.lines, 1) if "syntax" in text.lower()), 1)
    yield line, f"the build front end {syntax[:100]!r} is not allowed here; remove the line or use docker/dockerfile:1"


def _foreign_images(reading: Reading) -> Iterator[tuple[int, str]]:
    for use in reading.images:
        if _HUB.sub("", use.image).lower().startswith(OWN_PREFIX):
            yield use.line, f"{use.image[:100]!r} is an image of an app on this server; build on a published image"


def _unreadable(reading: Reading) -> Iterator[tuple[int, str]]:
    for instruction, problem in reading.problems:
        if instruction.name in _FETCHING:
            yield instruction.first_line, f"{instruction.name} cannot be read: {problem}"
    for stage in reading.stages:
        if not stage.image and not any(instruction is stage.source for instruction, _ in reading.problems):
            yield stage.source.first_line, "FROM names no image; give its ARG a default value"


def _entitlements(instruction: Instruction) -> Iterator[tuple[int, str]]:
    if instruction.name != "RUN":
        return
    line = instruction.first_line
    for value in instruction.flag("network"):
        if value.lower() not in _HARMLESS_NETWORKS:
            yield line, f"RUN --network={value[:40]} would reach the server's own network; remove the flag"
    for value in instruction.flag("security"):
        if value.lower() != "sandbox":
            yield line, f"RUN --security={value[:40]} would give the build control of the server; remove the flag"
    if instruction.flag("device"):
        yield line, "RUN --device would give the build a device of the server; remove the flag"
