"""What every route can reach: the parts of the running Butler, kept on the application's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from auth import Auth
from connection_manager import ConnectionManager, ReleaseLogs
from database import Database
from deploy_jobs import DeployJobs
from github_client import GithubClient
from routes.app_states import AppStates
from settings import Settings


@dataclass(frozen=True)
class Butler:
    """The parts of one running Butler."""

    settings: Settings
    database: Database
    auth: Auth
    logs: ReleaseLogs
    connections: ConnectionManager
    jobs: DeployJobs
    github: GithubClient
    states: AppStates


async def the_butler(connection: HTTPConnection) -> Butler:
    """The Butler that this application serves. It waits for nothing, but a plain function would be given a thread."""
    butler: Butler = connection.app.state.butler
    return butler


TheButler = Annotated[Butler, Depends(the_butler)]
