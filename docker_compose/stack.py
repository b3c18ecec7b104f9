"""The noun of this package: a Compose stack on its way from a repository's file to running containers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compose_file import Site
from docker_run import networks_of
from domain import DeployRequest, Plan
from settings import Settings


@dataclass(frozen=True)
class ComposeStack:
    """A stack that passed the policy. Its files are copied out of the clone, so it does not need the clone to run.

    `model` is what Compose made of the file, with plain values (no `$$`); `images` says what each service runs
    (known for all of them once the stack is built); `environment` holds what the user gave, for the services in
    `takes_environment`. Prints without values.

    A stack that comes of a plan and not of a file has `parts` (how each service is built), `copies` (services that run
    another one's image), `builds_for` (the request with the variables of each build) and `addresses` (container and
    host port of services other than the site that people reach too).
    """

    project: str
    request: DeployRequest = field(repr=False)
    file_name: str
    site: Site
    host_port: int | None
    model: Mapping[str, Any] = field(repr=False)
    images: Mapping[str, str] = field(default_factory=dict)
    takes_environment: frozenset[str] = frozenset()
    raw_restarts: Mapping[str, str] = field(default_factory=dict)
    cpus: float = float("inf")
    parts: Mapping[str, Plan] = field(default_factory=dict, repr=False)
    copies: Mapping[str, str] = field(default_factory=dict)
    builds_for: Mapping[str, DeployRequest] = field(default_factory=dict, repr=False)
    addresses: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the services that are started, in the order of the file."""
        return tuple(self.model["services"])

    @property
    def built(self) -> tuple[str, ...]:
        """The services whose image is built from the repository."""
        return tuple(name for name, body in self.model["services"].items() if body.get("build"))


def project_of(container_name: str, settings: Settings) -> str:
    """The Compose project of an app: ours alone, whatever the file calls itself."""
    return re.sub(r"[^a-z0-9_-]", "-", f"butler-{settings.instance}-{container_name}".lower())


def app_folder(container_name: str, settings: Settings) -> Path:
    """Where the files of an app's stack are: `compose.json` (the one that runs) and what the repository had bound."""
    return settings.data_dir.resolve() / "apps" / container_name


def network_name(container_name: str, declared: str, settings: Settings) -> str:
    """What the network of a stack is called: `default` is the app's own private network, others are named after it."""
    own = networks_of(container_name, 0, settings).app
    return own if declared == "default" else f"{own}--{declared}"
