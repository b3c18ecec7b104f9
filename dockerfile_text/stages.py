"""What a Dockerfile means: its stages, their variables and ports, and the images that it needs from outside."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dockerfile_text.expansion import Unresolvable, expand
from dockerfile_text.splitter import Dockerfile, Instruction, json_words, words

NAMED_CONTEXTS = ("butler",)
"""Build contexts that the Butler gives by name: a `FROM` or `--from=` of that name is no image."""

_MOST_PORTS = 64
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(\w+))?")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "amd64": "amd64", "arm64": "arm64"}


@dataclass(frozen=True)
class ImageUse:
    """One place that names an image from outside. `written` is the text there, `image` what it comes to."""

    instruction: Instruction
    written: str
    image: str
    is_from: bool

    @property
    def line(self) -> int:
        """The line on which the instruction starts."""
        return self.instruction.first_line


@dataclass
class Stage:
    """One `FROM` and what follows it; `base` is the earlier stage of the name `image`, if it is one."""

    index: int
    name: str
    source: Instruction
    base: Stage | None
    image: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str | None] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    triggers: list[Instruction] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """What a word of this stage sees; ENV beats ARG."""
        return {name: value for name, value in self.arguments.items() if value is not None} | self.environment

    @property
    def ancestry(self) -> list[Stage]:
        """The stage itself and every stage that its image builds on: all of them leave their mark in its history."""
        return [self, *(self.base.ancestry if self.base else [])]


@dataclass
class Reading:
    """A Dockerfile read to its end."""

    stages: list[Stage] = field(default_factory=list)
    images: list[ImageUse] = field(default_factory=list)
    global_arguments: dict[str, str | None] = field(default_factory=dict)
    remote_sources: list[tuple[Instruction, str]] = field(default_factory=list)
    problems: list[tuple[Instruction, str]] = field(default_factory=list)

    def stage(self, target: str | None = None) -> Stage | None:
        """The stage that is built: the one named `target` (or its number), else the last."""
        if target is None:
            return self.stages[-1] if self.stages else None
        return self.find(target)

    def named(self, name: str) -> Stage | None:
        """An earlier stage by name, the last of that name; the only way in which a `FROM` finds one."""
        return next((stage for stage in reversed(self.stages) if stage.name and stage.name == name.lower()), None)

    def find(self, name: str) -> Stage | None:
        """An earlier stage by name (the last of that name) or by number."""
        if (stage := self.named(name)) is not None:
            return stage
        if name.isascii() and name.isdigit() and int(name) < len(self.stages):
            return self.stages[int(name)]
        return None


def read(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> Reading:
    """Follow the instructions from top to bottom; what cannot be resolved stands in `problems`."""
    reader = _Reader(dockerfile.escape, build_args)
    for instruction in dockerfile.instructions:
        reader.take(instruction)
    return reader.reading


class _Reader:
    def __init__(self, escape: str, build_args: Mapping[str, str]) -> None:
        self.reading = Reading()
        self._escape = escape
        self._build_args = build_args
        self._platform = _platform_arguments()

    def take(self, instruction: Instruction) -> None:
        try:
            if instruction.name == "FROM":
                self._start_stage(instruction)
            elif self.reading.stages:
                self._apply(instruction, self.reading.stages[-1])
            elif instruction.name == "ARG":
                self._declare(instruction, self.reading.global_arguments, self._inherited())
        except Unresolvable as error:
            self.reading.problems.append((instruction, str(error)))
        except RecursionError:
            self.reading.problems.append((instruction, "variables are nested too deeply"))

    def _globals(self) -> dict[str, str]:
        return {name: value for name, value in self.reading.global_arguments.items() if value is not None}

    def _start_stage(self, instruction: Instruction) -> None:
        written, *rest = words(instruction.value, self._escape) or [""]
        name = rest[1].lower() if len(rest) == 2 and rest[0].lower() == "as" else ""
        stage = Stage(len(self.reading.stages), name, instruction, None)
        try:
            stage.image = expand(written, self._inherited(), self._escape)
            stage.base = self.reading.named(stage.image)
            self._use(instruction, written, stage.image, is_from=True)
        finally:
            self.reading.stages.append(stage)
        if stage.base:
            stage.environment = dict(stage.base.environment)
            stage.ports = list(stage.base.ports)
            for triggered in stage.base.triggers:
                self._apply(triggered, stage)

    def _use(self, instruction: Instruction, written: str, image: str, *, is_from: bool) -> None:
        """Note an image from outside; a stage, `scratch` and our own contexts are none."""
        stage = self.reading.named(image) if is_from else self.reading.find(image)
        known = stage is not None or image.lower() in NAMED_CONTEXTS
        if image and not known and not (is_from and image == "scratch"):
            self.reading.images.append(ImageUse(instruction, written, image, is_from))

    def _apply(self, instruction: Instruction, stage: Stage) -> None:
        match instruction.name:
            case "ARG":
                self._declare(instruction, stage.arguments, stage.variables, self._inherited())
            case "ENV":
                self._set_environment(instruction, stage)
            case "EXPOSE":
                self._expose(instruction, stage)
            case "ADD" | "COPY" | "RUN":
                self._note_sources(instruction, stage)
            case "ONBUILD" if instruction.triggered:
                stage.triggers.append(instruction.triggered)
                self._note_sources(instruction.triggered, stage)

    def _inherited(self) -> dict[str, str]:
        return {**self._platform, **self._globals()}

    def _declare(
        self,
        instruction: Instruction,
        arguments: dict[str, str | None],
        variables: Mapping[str, str],
        inherited: Mapping[str, str] | None = None,
    ) -> None:
        seen = dict(variables)
        for word in words(instruction.value, self._escape):
            written, has_default, default = word.partition("=")
            name = expand(written, {}, self._escape)
            value = expand(default, seen, self._escape) if has_default else (inherited or {}).get(name)
            arguments[name] = self._build_args.get(name, value)
            seen.update({name: arguments[name] or ""} if arguments[name] is not None else {})

    def _set_environment(self, instruction: Instruction, stage: Stage) -> None:
        before = stage.variables
        first, *_ = words(instruction.value, self._escape) or [""]
        if not first:
            return
        if "=" not in first:
            name, *rest = instruction.value.split(maxsplit=1)
            stage.environment[name] = expand("".join(rest), before, self._escape)
            return
        for word in words(instruction.value, self._escape):
            name, _, value = word.partition("=")
            stage.environment[expand(name, before, self._escape)] = expand(value, before, self._escape)

    def _expose(self, instruction: Instruction, stage: Stage) -> None:
        for word in words(instruction.value, self._escape):
            for part in expand(word, stage.variables, self._escape).split():
                stage.ports += [port for port in ports_of(part) if port not in stage.ports]

    def _note_sources(self, instruction: Instruction, stage: Stage) -> None:
        written = list(instruction.flag("from"))
        for mount in instruction.flag("mount"):
            written += [part[5:] for part in mount.split(",") if part.lower().startswith("from=")]
        for text in written:
            self._use(instruction, text, expand(text, stage.variables, self._escape), is_from=False)
        if instruction.name == "ADD":
            for source in add_sources(instruction, self._escape):
                resolved = expand(source, stage.variables, self._escape)
                if is_remote(resolved):
                    self.reading.remote_sources.append((instruction, resolved))


def add_sources(instruction: Instruction, escape: str) -> Sequence[str]:
    """What an `ADD` takes its files from: all its words but the last."""
    listed = json_words(instruction.value)
    return (words(instruction.value, escape) if listed is None else listed)[:-1]


def is_remote(source: str) -> bool:
    """Whether an `ADD` source is an address, which the daemon itself would fetch."""
    return bool(re.match(r"(?:[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:|github\.com/)", source, re.IGNORECASE))


def ports_of(word: str) -> list[int]:
    """The TCP ports of one word of an `EXPOSE`; nothing for UDP, for words that are no port and beyond 1 to 65535."""
    match = _PORT.fullmatch(word)
    if match is None or (match[3] or "tcp").lower() != "tcp":
        return []
    first, last = int(match[1]), int(match[2] or match[1])
    return [port for port in range(first, min(last, first + _MOST_PORTS - 1) + 1) if 1 <= port <= 65535]


def _platform_arguments() -> dict[str, str]:
    machine = _MACHINES.get(platform.machine().lower(), platform.machine().lower())
    both = {"OS": "linux", "ARCH": machine, "VARIANT": "", "PLATFORM": f"linux/{machine}"}
    return {side + name: value for side in ("TARGET", "BUILD") for name, value in both.items()}
