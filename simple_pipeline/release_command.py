"""Running a plan's release command: once for each release, in the new image, before that serves."""

from __future__ import annotations

from dataclasses import replace

import docker_run
from docker_run import RunSpec
from domain import Emit, Event, EventKind, Stage
from robust_error_handler import Code, DeploymentFailed
from settings import Settings
from workspace import commands

_LINES = 40


async def run_release_command(command: str, spec: RunSpec, emit: Emit, settings: Settings) -> None:
    """Run the command in a container like `spec`'s, with its variables and networks but without its address.

    Raises DeploymentFailed (RELEASE_COMMAND_FAILED) where it ends with a code other than 0 or takes too long.
    """
    emit(Event(EventKind.NOTE, Stage.START, f"Running the release command: {command}"))
    job = replace(
        spec,
        name=f"{spec.name}-release",
        alias=f"{spec.name}-release",
        container_port=None,
        host_port=None,
        command=commands.executable(command),
    )

    def on_line(line: str) -> None:
        emit(Event(EventKind.LINE, Stage.START, line, detail={"stream": "release"}))

    seconds = settings.release_timeout_seconds
    ended = await docker_run.run_to_its_end(job, on_line, settings, timeout_seconds=seconds)
    if ended.exit_code == 0:
        emit(Event(EventKind.NOTE, Stage.START, "The release command has ended well."))
        return
    how = f"took longer than {seconds} s" if ended.exit_code is None else f"ended with code {ended.exit_code}"
    raise DeploymentFailed(
        Code.RELEASE_COMMAND_FAILED,
        f"The release command {how}{' (out of memory)' if ended.oom_killed else ''}: {command}",
        "Nothing was switched. Its last lines are shown; correct the command in butler.yml, or what it needs.",
        ended.lines[-_LINES:],
    )
