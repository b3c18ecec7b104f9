"""Argument lists for building, inspecting and removing images; runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LABEL_NAMES = ("instance", "app", "user")
_LABELS_JSON = ",".join(f'"{name}":{{{{json (index . "butler.{name}")}}}}' for name in _LABEL_NAMES)
# Typed names (`.ID`, not `.Id`): another spelling makes docker fall back to raw JSON, where an absent key is an error.
IMAGE_FORMAT = (
    '{"id":{{json .ID}},"ports":{{json .Config.ExposedPorts}},"tags":{{json .RepoTags}},'
    f'"used":{{{{json .Metadata.LastTagTime}}}},"labels":{{{{with .Config.Labels}}}}{{{_LABELS_JSON}}}{{{{else}}}}{{}}{{{{end}}}}}}'
)


@dataclass(frozen=True)
class Build:
    """One build, down to the last argument. `environment` holds what may not stand in the argument list."""

    dockerfile: Path
    context: Path
    tag: str
    id_file: Path
    cache_namespace: str
    secret_file: Path
    secret_ids: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    build_args: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def build_argv(build: Build) -> list[str]:
    """`docker build` with BuildKit. What is in `environment` is passed by name only; values stay out of sight."""
    argv = ["docker", "build", "--progress=plain", "--iidfile", str(build.id_file), "--tag", build.tag]
    for name, value in build.labels.items():
        argv += ["--label", f"{name}={value}"]
    argv += ["--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={build.cache_namespace}"]
    for name, value in build.build_args.items():
        argv += ["--build-arg", f"{name}={value}"]
    for name in build.environment:
        argv += ["--build-arg", name]
    for name, folder in build.contexts.items():
        argv += ["--build-context", f"{name}={folder}"]
    for secret in build.secret_ids:
        argv += ["--secret", _csv(f"id={secret}", f"src={build.secret_file}")]
    return [*argv, "--file", str(build.dockerfile), str(build.context)]


def build_environment(build: Build) -> dict[str, str]:
    """What the docker client finds in its environment: BuildKit on, no attestations, and the private values."""
    fixed = {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "DOCKER_CLI_HINTS": "false"}
    return {**build.environment, **fixed}


def inspect_argv(references: Sequence[str]) -> list[str]:
    """One JSON line for each image that exists."""
    return ["docker", "image", "inspect", "--format", IMAGE_FORMAT, *references]


def list_argv(labels: Mapping[str, str]) -> list[str]:
    """The IDs of the images that carry all of these labels."""
    return ["docker", "image", "ls", "--quiet", "--no-trunc", *_label_filters(labels)]


def containers_argv() -> list[str]:
    """The IDs of all containers, running or not."""
    return ["docker", "container", "ls", "--all", "--quiet", "--no-trunc"]


def images_in_use_argv(containers: Sequence[str]) -> list[str]:
    """The image of each container, one a line."""
    return ["docker", "container", "inspect", "--format", "{{.Image}}", *containers]


def remove_argv(references: Sequence[str]) -> list[str]:
    """Remove images without force: Docker itself refuses those that a container uses."""
    return ["docker", "image", "rm", *references]


def prune_cache_argv(unused_hours: int) -> list[str]:
    """Remove build cache that nothing has used for so long."""
    return ["docker", "builder", "prune", "--force", "--filter", f"until={unused_hours}h"]


def _label_filters(labels: Mapping[str, str]) -> Iterable[str]:
    for name, value in labels.items():
        yield from ("--filter", f"label={name}={value}")


def _csv(*fields: str) -> str:
    """One CSV line, as `--secret` reads it: a field with a comma or a quote stands in quotes."""
    return ",".join('"' + part.replace('"', '""') + '"' if set(part) & set(',"') else part for part in fields)
