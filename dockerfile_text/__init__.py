"""Reads Dockerfile text without Docker: its ports, images, arguments and dangers, and the copy that is built."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dockerfile_text import policy, rewriting
from dockerfile_text.rewriting import NotRewritable
from dockerfile_text.splitter import Dockerfile, Instruction, json_words, split
from dockerfile_text.stages import NAMED_CONTEXTS, read

__all__ = [
    "NAMED_CONTEXTS",
    "Arguments",
    "Dockerfile",
    "Instruction",
    "NotRewritable",
    "arguments",
    "exposed_ports",
    "external_images",
    "final_command",
    "final_image",
    "offers_secret",
    "refusals",
    "remote_sources",
    "rewritten",
    "split",
]


@dataclass(frozen=True)
class Arguments:
    """The ARGs that a Dockerfile declares: `private` ones leave no trace in the image, `visible` ones do."""

    private: frozenset[str]
    visible: frozenset[str]


def exposed_ports(dockerfile: str, build_args: Mapping[str, str], *, target: str | None = None) -> tuple[int, ...]:
    """The TCP ports that the stage which is built EXPOSEs, in the order of the file; a preview of `docker inspect`."""
    stage = read(split(dockerfile), build_args).stage(target)
    return tuple(stage.ports) if stage else ()


def final_image(dockerfile: str, build_args: Mapping[str, str], *, target: str | None = None) -> str:
    """The image from outside that the stage which is built goes back to; "" where there is none."""
    stage = read(split(dockerfile), build_args).stage(target)
    return stage.ancestry[-1].image if stage else ""


def final_command(dockerfile: str) -> str:
    """The last CMD or ENTRYPOINT as one line of text; "" where there is none."""
    found = [entry for entry in split(dockerfile).instructions if entry.name in ("CMD", "ENTRYPOINT")]
    if not found:
        return ""
    value = found[-1].value
    return " ".join(json_words(value) or [value])


def external_images(dockerfile: str, build_args: Mapping[str, str]) -> tuple[str, ...]:
    """The images that the build needs from outside, each once: not stages, not `scratch`, not our own contexts."""
    return tuple(dict.fromkeys(use.image for use in read(split(dockerfile), build_args).images))


def remote_sources(dockerfile: str, build_args: Mapping[str, str]) -> tuple[tuple[int, str], ...]:
    """The addresses that an `ADD` would have the daemon fetch, with their lines."""
    sources = read(split(dockerfile), build_args).remote_sources
    return tuple((instruction.first_line, address) for instruction, address in sources)


def refusals(dockerfile: str, build_args: Mapping[str, str]) -> tuple[str, ...]:
    """Why this Dockerfile is not built on a host that others share, one sentence with its line each."""
    return policy.refusals(split(dockerfile), build_args)


def rewritten(
    dockerfile: str,
    build_args: Mapping[str, str],
    replacements: Mapping[str, str],
    secret_aliases: Mapping[str, str] | None = None,
) -> str:
    """The copy that is built: no `# syntax=` line, every image replaced. Raises NotRewritable."""
    return rewriting.rewritten(split(dockerfile), build_args, replacements, secret_aliases or {})


def arguments(dockerfile: str) -> Arguments:
    """The ARGs by where they end up: what the final image builds on keeps their values in its history."""
    reading = read(split(dockerfile), {})
    final = reading.stage()
    kept = {id(stage) for stage in final.ancestry} if final else set()
    visible = {name for stage in reading.stages if id(stage) in kept for name in stage.arguments}
    declared = {name for stage in reading.stages for name in stage.arguments}
    return Arguments(frozenset(declared - visible), frozenset(visible))


def offers_secret(dockerfile: str, secret: str) -> bool:
    """Whether any `RUN` mounts the secret of this id."""
    mount = re.compile(rf"type=secret\b.*\bid={re.escape(secret)}\b|\bid={re.escape(secret)}\b.*type=secret\b")
    instructions = split(dockerfile).instructions
    return any(mount.search(value) for instruction in instructions for value in instruction.flag("mount"))
