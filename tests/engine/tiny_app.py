"""A tiny image whose program is a line of shell in the variable START, and a Butler without a server that runs it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker_run
from docker_run import RunSpec
from domain import DeployRequest, Event, RunningContainer
from settings import Settings
from tests.engine.busybox import import_busybox

TOOLS = (
    "sh",
    "httpd",
    "nc",
    "wget",
    "nslookup",
    "sleep",
    "cat",
    "tail",
    "env",
    "echo",
    "mkdir",
    "printf",
    "id",
    "true",
)
SERVE = "mkdir -p /tmp/w; echo $BUTLER_APP > /tmp/w/index.html; exec httpd -f -p $PORT -h /tmp/w"


def docker(*words: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *words], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 or not check, f"docker {words[0]}: {done.stderr}"
    return (done.stdout + done.stderr).strip()


def inspected(name: str) -> dict[str, Any]:
    return json.loads(docker("inspect", name))[0]


@contextmanager
def tiny_image(folder: Path) -> Iterator[str]:
    tag = f"butler-test/tiny:{uuid.uuid4().hex[:8]}"
    command = 'CMD ["sh", "-c", "eval \\"$START\\""]'
    image = import_busybox(folder, tag, tools=TOOLS, changes=["ENV PATH=/bin", command])
    yield image
    docker("image", "rm", "--force", tag, check=False)


class TinyButler:
    """What runs apps on the engine: settings of its own, and the short way from a line of shell to a container."""

    def __init__(self, data_dir: Path, image: str, network: str, **settings: Any) -> None:
        self.image = image
        # The shared network sorts after `butler-<instance>-...`, as the default name does.
        chosen = {"network_name": network, "network_subnet": "10.77.0.0/24", "settle_seconds": 0.5, **settings}
        self.settings = Settings(_env_file=None, data_dir=data_dir, memory_limit="64m", stop_grace_seconds=2, **chosen)
        self.events: list[Event] = []

    @staticmethod
    def app_name() -> str:
        return f"test-app-{uuid.uuid4().hex[:8]}"

    async def spec(
        self,
        start: str = SERVE,
        *,
        app: str | None = None,
        user: int = 1,
        env: dict[str, str] | None = None,
        **rest: Any,
    ) -> RunSpec:
        request = DeployRequest(
            "https://x.test/r", app or self.app_name(), user, backend_env={"START": start, **(env or {})}
        )
        nets = await docker_run.ensure_networks(request.container_name, user, self.settings, self.events.append)
        values = docker_run.app_environment(request, run_env={}, container_port=3000, commit="abc", url=None)
        labels = docker_run.labels_for(request, self.settings)
        name = request.container_name
        return dataclasses.replace(RunSpec(name, self.image, labels, nets, name, 3000, None, values), **rest)

    async def run(self, start: str = SERVE, **rest: Any) -> RunningContainer:
        return await docker_run.start_container(await self.spec(start, **rest), self.settings)

    async def serving(self, **rest: Any) -> RunningContainer:
        container = await self.run(**rest)
        verdict = await docker_run.wait_until_answers(container, self.settings, timeout_seconds=20)
        assert verdict.answered, verdict
        return container

    def left(self) -> str:
        label = f"label=butler.instance={self.settings.instance}"
        containers = docker("ps", "--all", "--quiet", "--filter", label)
        return containers + docker("network", "ls", "--quiet", "--filter", label)

    def sweep(self) -> None:
        label = f"label=butler.instance={self.settings.instance}"
        if containers := docker("ps", "--all", "--quiet", "--filter", label).split():
            docker("rm", "--force", "--volumes", *containers, check=False)
        if networks := docker("network", "ls", "--quiet", "--filter", label).split():
            docker("network", "rm", *networks, check=False)


def said_inside(container: str, *words: str) -> str:
    """What a program run in a container prints; errors included."""
    return docker("exec", container, *words, check=False)
