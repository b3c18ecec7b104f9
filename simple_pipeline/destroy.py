"""Removing an app: its containers, networks, volumes, images and files, whatever it was made of."""

from __future__ import annotations

import docker_compose
from settings import Settings


async def destroy_deployment(container_name: str, user_id: int, settings: Settings) -> None:
    """Remove all of an app from the engine and the disk. What is gone already is fine, so it may be called again.

    A single container is looked for as a stack of one. Raises DeploymentFailed where Docker does not answer.
    """
    await docker_compose.down(container_name, user_id, settings, remove_volumes=True)
