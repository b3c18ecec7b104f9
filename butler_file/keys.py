"""The words of `butler.yml`: every key, its type and its meaning; the published schema is made from these classes."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints

PROCESS_NAME = r"^[a-z][a-z0-9-]{0,30}$"
_DURATION = r"^\d+(\.\d+)?(ms|s|m)?$"
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "": 1.0}
_IGNORED: dict[str, JsonValue] = {"patternProperties": {"^x-": {}}}


def in_seconds(duration: str | float) -> float:
    """A duration such as `30`, `1.5s` or `2m`, in seconds."""
    number, unit = re.fullmatch(r"([\d.]+)([a-z]*)", str(duration)).groups()  # type: ignore[union-attr]
    return float(number) * _SECONDS[unit]


def _as_text(value: Any) -> Any:
    """YAML's numbers and booleans as the text that a program is given."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


# Something that can be seen, and no character that no program can be given.
_SAYS_SOMETHING = r"^[^\x00]*[^\x00\s][^\x00]*$"
Command = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000, pattern=_SAYS_SOMETHING)
]
Path = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=_SAYS_SOMETHING)]
OutputFolder = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@+-]+(/[A-Za-z0-9_.@+-]+)*/?$", max_length=1000)]
_DurationText = Annotated[str, Field(pattern=_DURATION)]
Duration = Annotated[_DurationText, BeforeValidator(_as_text, json_schema_input_type=_DurationText | float)]
_ValueText = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Value = Annotated[_ValueText, BeforeValidator(_as_text, json_schema_input_type=_ValueText | float | bool)]
_MemoryText = Annotated[str, Field(pattern=r"^[1-9]\d*(\.\d+)?([kmg]b?|b)?$")]
Memory = Annotated[_MemoryText, BeforeValidator(_as_text, json_schema_input_type=_MemoryText | int)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
_VersionText = Annotated[str, Field(pattern=r"^\d{1,4}(\.\d{1,4}){0,2}$")]
Version = Annotated[_VersionText, BeforeValidator(_as_text, json_schema_input_type=_VersionText | float)]


class Section(BaseModel):
    """A mapping that knows its keys; whatever starts with `x-` is the author's own."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_IGNORED)


class Build(Section):
    """How the image is made."""

    dockerfile: Path | None = Field(None, description="Dockerfile to build, from the folder of butler.yml.")
    context: Path | None = Field(None, description="Folder that this Dockerfile copies from; the folder of butler.yml.")
    root: Path | None = Field(None, description="Folder of the application, where it is not that of butler.yml.")
    version: Version | None = Field(None, description="Version of the language, such as `20` or `3.12`.")
    package_manager: Literal["npm", "yarn", "pnpm", "bun", "pip", "uv", "poetry", "pipenv", "pdm"] | None = Field(
        None, description="What installs the dependencies, instead of the detected one."
    )
    install: Command | None = Field(None, description="Install command, instead of the detected one.")
    command: Command | None = Field(None, description="Build command, instead of the detected one.")
    output: OutputFolder | None = Field(None, description="Folder of the built files, where files are what is served.")
    builder: str | None = Field(None, description="Strategy to use, such as `node`, instead of the first that fits.")
    args: dict[VariableName, Value] = Field(
        default_factory=dict, description="Build arguments of the Dockerfile. They are no place for secrets."
    )


class Run(Section):
    """How the container runs."""

    command: Command | None = Field(None, description="Start command, instead of the detected one.")
    port: int | None = Field(None, ge=1, le=65535, description="Container port that answers.")
    service: Command | None = Field(None, description="Service of the Compose file that is the site.")
    processes: dict[Annotated[str, StringConstraints(pattern=PROCESS_NAME)], Command] = Field(
        default_factory=dict,
        description="Further containers of the same image, by name (`worker: celery -A app worker`). `web` is `command`.",
    )


class Healthcheck(Section):
    """When the application counts as up."""

    path: str = Field("/", pattern=r"^/[!-~]*$", max_length=1000, description="Path that must answer 2xx or 3xx.")
    timeout: Duration | None = Field(None, description="How long it may take to answer, such as `90s`.")
    interval: Duration | None = Field(None, description="Time between two questions, such as `2s`.")


class Variable(Section):
    """One variable of the application."""

    required: bool = Field(False, description="Whether nothing is deployed before somebody has given a value.")
    description: str = Field("", max_length=500, description="What it is for; shown where it is missing.")
    generator: Literal["secret"] | None = Field(None, description="`secret`: a random value is made once and kept.")
    value: Value | None = Field(None, description="Value unless somebody gives another.")


class Resources(Section):
    """What a container may use, within what the server gives."""

    memory: Memory | None = Field(None, description="Memory, such as `512m`.")
    cpus: float | None = Field(None, gt=0, le=1024, description="Processors, such as `0.5`.")


class ButlerFile(Section):
    """What a repository says about its own deployment; each word beats what would be detected."""

    build: Build = Field(default_factory=Build)
    run: Run = Field(default_factory=Run)
    release: Command | None = Field(None, description="Command that runs once in the new image before it serves.")
    healthcheck: Healthcheck | None = None
    env: dict[VariableName, Variable | Value] = Field(
        default_factory=dict, description="Variables of the application; a plain text is the value."
    )
    resources: Resources = Field(default_factory=Resources)


NOT_YET = {
    "domains": "apps are reached by their port; there are no domain names",
    "volumes": "a Compose file can declare volumes",
    "watch": "deployments are started by hand",
    "cron": "a process of `run.processes` can keep its own time",
    "preview": "each branch can be deployed as an app of its own",
    "build.secrets": "the variables of frontend_env reach the build as a secret",
}
"""Words that other platforms have and this one does not, with what there is instead."""
