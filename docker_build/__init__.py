"""Builds a plan into an image: checks the Dockerfile, names the result by a content hash, and builds only what is new."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import base_images
import dockerfile_text
from docker_build import images, recipe
from docker_build.command import Build
from docker_build.images import prune_build_cache, remove_old_images
from docker_build.recipe import SECRET_ID, Recipe
from docker_build.remote_sources import unsafe_sources
from docker_build.running import carry_out
from docker_run import labels_for
from domain import DeployRequest, Emit, Event, EventKind, Image, Plan, Stage
from robust_error_handler import Code, DeploymentFailed
from settings import Settings
from workspace import Checkout

__all__ = ["build_image", "check_disk", "image_tag", "named_contexts", "prune_build_cache", "remove_old_images"]

_NAMED_CONTEXTS = {"butler": Path(__file__).resolve().parent.parent / "dockerfile_templates" / "assets"}


async def build_image(plan: Plan, checkout: Checkout, request: DeployRequest, emit: Emit, settings: Settings) -> Image:
    """The image of a plan: one that exists already where nothing that determines it has changed, else a new one.

    What happens is told through `emit` as it happens. Raises DeploymentFailed, ToolMissing.
    """
    await asyncio.to_thread(check_disk, settings)
    source = await asyncio.to_thread(recipe.find_source, plan, checkout)
    await _check(source, plan)
    names = dockerfile_text.external_images(source.text, plan.build_args)
    replacements = await base_images.resolve(names, emit, settings) if names else {}
    ready = recipe.prepare(source, plan, request, replacements, settings.instance)
    for warning in ready.warnings:
        emit(Event(EventKind.WARNING, Stage.BUILD, warning))
    bases = [image.id for image in await images.inspect(sorted(set(replacements.values())))]
    tag = image_tag(request.container_name, ready.hash(request, checkout.commit.tree, bases))
    if existing := await _existing(tag, request, settings):
        emit(Event(EventKind.NOTE, Stage.BUILD, f"Nothing changed: the image {tag} is used again, without a build."))
        return existing
    build = await asyncio.to_thread(_write, ready, tag, checkout.generated, request, settings)
    image_id = await carry_out(build, emit, settings)
    found = await images.inspect([image_id])
    return Image(image_id, build.tag, reused=False, exposed_ports=found[0].ports if found else ())


def image_tag(container_name: str, content_hash: str) -> str:
    """The document's name of an image; the part before the colon belongs to one app alone."""
    return f"local-registry/{container_name}:{content_hash}"


def check_disk(settings: Settings) -> None:
    """Refuse to start with less free disk than the setting asks for. Raises DeploymentFailed."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    free_mb = shutil.disk_usage(settings.data_dir).free // (1024 * 1024)
    if free_mb < settings.min_free_disk_mb:
        raise DeploymentFailed(
            Code.DISK_FULL,
            f"The server's disk is nearly full: {free_mb} MiB are free, {settings.min_free_disk_mb} MiB are needed.",
            "Delete deployments you no longer need, run `docker system prune` on the server, then deploy again.",
        )


async def _check(source: recipe.Source, plan: Plan) -> None:
    await asyncio.to_thread(recipe.check, source, plan.build_args)
    unsafe = await unsafe_sources(dockerfile_text.remote_sources(source.text, plan.build_args))
    if unsafe:
        raise recipe.refused(source, unsafe)


async def _existing(tag: str, request: DeployRequest, settings: Settings) -> Image | None:
    """The image of that tag if it is this user's, of this app and from this Butler."""
    ours = {"instance": settings.instance, "app": request.container_name, "user": str(request.user_id)}
    for image in await images.inspect([tag]):
        if image.labels == ours:
            return Image(image.id, tag, reused=True, exposed_ports=image.ports)
    return None


def _write(ready: Recipe, tag: str, folder: Path, request: DeployRequest, settings: Settings) -> Build:
    dockerfile, secret = ready.write(folder)
    return Build(
        dockerfile=dockerfile,
        context=ready.source.context,
        tag=tag,
        id_file=folder / "image-id",
        cache_namespace=f"{settings.instance}-u{request.user_id}",
        secret_file=secret,
        secret_ids=(SECRET_ID, ready.secret_alias),
        labels=labels_for(request, settings),
        build_args=ready.build_args,
        contexts=named_contexts(),
        environment=ready.private_args,
    )


def named_contexts() -> dict[str, Path]:
    """The folders of ours that the Dockerfiles of templates copy from, by name."""
    return {name: path for name, path in _NAMED_CONTEXTS.items() if path.is_dir()}
