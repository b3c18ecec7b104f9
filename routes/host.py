"""The machine that all apps share: its disk, memory, load and engine, for the dashboard."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

import docker_run
import host_tools
from auth import CurrentUser
from robust_error_handler import ButlerError, CommandFailed
from routes.context import Butler, TheButler
from routes.system import CheckView

router = APIRouter(tags=["system"])

_EXAMPLE: dict[str, Any] = {
    "disk": {"total_bytes": 64_000_000_000, "free_bytes": 21_000_000_000, "needed_bytes": 1_073_741_824, "ok": True},
    "memory": {"total_bytes": 8_000_000_000, "available_bytes": 5_000_000_000},
    "load": [0.4, 0.3, 0.2],
    "processors": 2,
    "docker": {"ok": True, "version": "26.1.5", "message": "", "hint": ""},
    "containers": {"running": 3, "total": 4},
    "deployments_in_progress": 1,
}


class DiskView(BaseModel):
    """The disk that the data directory is on."""

    total_bytes: int
    free_bytes: int
    needed_bytes: int = Field(description="What must be free for a deployment to start.")
    ok: bool


class MemoryView(BaseModel):
    """The machine's memory."""

    total_bytes: int
    available_bytes: int


class ContainersView(BaseModel):
    """The containers of this Butler, of all users."""

    running: int
    total: int


class HostView(BaseModel):
    """How the machine is. What its system does not tell, or a Docker that does not answer, is null."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    disk: DiskView
    memory: MemoryView | None = None
    load: list[float] | None = Field(None, description="In the last 1, 5 and 15 minutes.")
    processors: int
    docker: CheckView
    containers: ContainersView | None = None
    deployments_in_progress: int


@router.get("/api/host", summary="How the machine is")
async def host(butler: TheButler, user: CurrentUser) -> HostView:
    """Disk, memory, load, the Docker engine, and how many containers and deployments there are."""
    disk, docker, containers = await asyncio.gather(
        asyncio.to_thread(host_tools.disk, butler.settings), host_tools.tool_state("docker"), _containers(butler)
    )
    needed = butler.settings.min_free_disk_mb * 2**20
    memory, load = host_tools.memory(), host_tools.load()
    return HostView(
        disk=DiskView(total_bytes=disk.total, free_bytes=disk.free, needed_bytes=needed, ok=disk.free >= needed),
        memory=None if memory is None else MemoryView(total_bytes=memory.total, available_bytes=memory.free),
        load=None if load is None else [round(one, 2) for one in load],
        processors=host_tools.processors(),
        docker=CheckView(ok=docker.ok, version=docker.version, message=docker.message, hint=docker.hint),
        containers=containers,
        deployments_in_progress=butler.jobs.running,
    )


async def _containers(butler: Butler) -> ContainersView | None:
    try:
        states = await docker_run.list_containers(butler.settings)
    except (ButlerError, CommandFailed):
        return None
    return ContainersView(running=sum(state.running for state in states), total=len(states))
