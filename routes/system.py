"""The Butler's own state: whether it and its tools are well, and its figures for Prometheus."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

import host_tools
from host_tools import ToolState
from robust_error_handler import ButlerError
from routes.context import Butler, TheButler
from routes.version import VERSION

router = APIRouter(tags=["system"])


_DEGRADED = {
    "status": "degraded",
    "version": VERSION,
    "checks": {
        "docker": {
            "ok": False,
            "version": None,
            "message": "Cannot connect to the Docker daemon.",
            "hint": "Start the Docker engine (`systemctl start docker`, or run `./butler` again), then try again.",
        }
    },
}


class CheckView(BaseModel):
    """One thing that the Butler stands on."""

    ok: bool
    version: str | None = None
    message: str = ""
    hint: str = ""


class HealthView(BaseModel):
    """Whether deployments are possible now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "ok",
                    "version": "0.1.0",
                    "checks": {"docker": {"ok": True, "version": "26.1.5", "message": "", "hint": ""}},
                }
            ]
        }
    )

    status: Literal["ok", "degraded"]
    version: str
    checks: dict[str, CheckView]


@router.get(
    "/health",
    summary="Whether the Butler is well",
    responses={
        503: {
            "model": HealthView,
            "description": "Something that a deployment needs does not answer.",
            "content": {"application/json": {"example": _DEGRADED}},
        }
    },
)
async def health(butler: TheButler, response: Response) -> HealthView:
    """The database, docker, compose and git, each with its version and state; 503 where one does not answer."""
    database, *tools = await asyncio.gather(_database(butler), *map(host_tools.tool_state, host_tools.TOOLS))
    checks = {
        state.name: CheckView(ok=state.ok, version=state.version, message=state.message, hint=state.hint)
        for state in (database, *tools)
    }
    is_well = all(check.ok for check in checks.values())
    response.status_code = 200 if is_well else 503
    return HealthView(status="ok" if is_well else "degraded", version=VERSION, checks=checks)


async def _database(butler: Butler) -> ToolState:
    try:
        return ToolState("database", True, await asyncio.to_thread(butler.database.version))
    except ButlerError as error:
        return ToolState("database", False, None, error.message, error.hint)
