"""The copy of a Dockerfile that is really built: no front end to fetch, and every image named plainly."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dockerfile_text.splitter import Dockerfile, Instruction, split, words
from dockerfile_text.stages import ImageUse, Stage, read

_MOUNT = re.compile(r"--mount=[^\s]+")


class NotRewritable(ValueError):
    """An image is named in a way that cannot be replaced; the text says where."""


def rewritten(
    dockerfile: Dockerfile,
    build_args: Mapping[str, str],
    replacements: Mapping[str, str],
    secret_aliases: Mapping[str, str],
) -> str:
    """The Dockerfile with its images replaced; lines keep their numbers, so that errors point at the user's file.

    Every `FROM` gets the name that was resolved (and checked) in place of variables, so that the build cannot see
    another one. `secret_aliases` renames build secrets where `RUN` mounts them; they stay in their place.
    Raises NotRewritable.
    """
    lines = [*dockerfile.lines]
    lines[: dockerfile.header_lines] = _header(dockerfile)
    reading = read(dockerfile, build_args)
    for stage in reading.stages:
        _write_from(lines, stage, replacements, dockerfile.escape)
    for use in reading.images:
        if not use.is_from:
            _write_source(lines, use, replacements.get(use.image, use.image))
    for instruction in dockerfile.instructions:
        if instruction.flag("mount"):
            _alias_secrets(lines, instruction, secret_aliases)
    text = "\n".join(lines) + "\n"
    if split(text).syntax is not None:
        raise NotRewritable("line 1: write the syntax line as `# syntax=docker/dockerfile:1`, or remove it")
    return text


def _header(dockerfile: Dockerfile) -> list[str]:
    """The lines of the parser directives with nothing but the escape character left."""
    blank = ["#"] * dockerfile.header_lines
    if dockerfile.escape != "\\":
        blank[0] = f"# escape={dockerfile.escape}"
    return blank


def _write_from(lines: list[str], stage: Stage, replacements: Mapping[str, str], escape: str) -> None:
    source = stage.source
    image = stage.image if stage.base else replacements.get(stage.image, stage.image)
    rest = words(source.value, escape)[1:]
    lines[source.first_line - 1] = " ".join(["FROM", *source.flags, image, *rest])
    for number in range(source.first_line, source.last_line):
        lines[number] = "#"


def _write_source(lines: list[str], use: ImageUse, image: str) -> None:
    if use.written == image:
        return
    place = re.compile(rf"(\bfrom=)(?:{re.escape(use.written)}|\"{re.escape(use.written)}\")(?=[\s,\"']|$)", re.I)
    for number in range(use.line - 1, use.instruction.last_line):
        changed, count = place.subn(lambda match: match[1] + image, lines[number])
        if count:
            lines[number] = changed
            return
    raise NotRewritable(f"line {use.line}: write the image {use.written!r} plainly after from=, on one line")


def _alias_secrets(lines: list[str], instruction: Instruction, aliases: Mapping[str, str]) -> None:
    """Give a mounted secret a name that changes with its content: BuildKit's cache looks at names alone."""
    for number in range(instruction.first_line - 1, instruction.last_line - _heredoc_lines(instruction)):
        lines[number] = _MOUNT.sub(lambda match: _aliased(match[0], aliases), lines[number])


def _aliased(mount: str, aliases: Mapping[str, str]) -> str:
    options = dict(part.partition("=")[::2] for part in mount.partition("=")[2].strip("\"'").split(","))
    name = options.get("id", "")
    if options.get("type") != "secret" or name not in aliases:
        return mount
    has_place = options.keys() & {"target", "dst", "destination", "env"}
    place = "" if has_place else f",target=/run/secrets/{name}"
    return re.sub(rf"\bid={re.escape(name)}(?![\w.-])", f"id={aliases[name]}{place}", mount)


def _heredoc_lines(instruction: Instruction) -> int:
    return sum(text.count("\n") + 2 if text else 1 for text in instruction.heredocs)
