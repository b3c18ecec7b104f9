"""The sample that this server ships, for somebody who has no repository at hand."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from auth import CurrentUser
from workspace import SAMPLE_ADDRESS, is_sample_shipped

router = APIRouter(tags=["deploy"])


class SampleView(BaseModel):
    """A repository that this server has at hand."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "hello-butler",
                    "git_url": SAMPLE_ADDRESS,
                    "description": "One page that greets, with FastAPI.",
                }
            ]
        }
    )

    name: str
    git_url: str = Field(description="Address to deploy; only this server knows it.")
    description: str


@router.get("/api/samples", summary="Repositories to try it with")
async def samples(user: CurrentUser) -> list[SampleView]:
    """What can be deployed without a repository of one's own; empty on a server that was installed without it."""
    about = "One page that greets, with FastAPI."
    return [SampleView(name="hello-butler", git_url=SAMPLE_ADDRESS, description=about)] if is_sample_shipped() else []
