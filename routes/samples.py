"""The sample that this server ships, for somebody who has no repository at hand."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from auth import CurrentUser
from workspace import SAMPLE_ADDRESS, is_sample_shipped

router = APIRouter(tags=["deploy"])

_SAMPLE: dict[str, Any] = {
    "name": "hello-butler",
    "git_url": SAMPLE_ADDRESS,
    "description": "One page that greets, with FastAPI.",
}


class SampleView(BaseModel):
    """A repository that this server has at hand."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SAMPLE]})

    name: str
    git_url: str = Field(description="Address to deploy; only this server knows it.")
    description: str


@router.get("/api/samples", summary="Repositories to try it with")
async def samples(user: CurrentUser) -> list[SampleView]:
    """What can be deployed without a repository of one's own; empty on a server that was installed without it."""
    return [SampleView(**_SAMPLE)] if is_sample_shipped() else []
