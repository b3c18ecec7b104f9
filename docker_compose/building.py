"""Builds the services of a stack that come from the repository, each as `docker_build` builds a single app."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import base_images
import dockerfile_text
from compose_file import Site, ports_of, site_of
from docker_build import check_disk, images, named_contexts, recipe
from docker_build.command import Build, build_argv
from docker_build.remote_sources import unsafe_sources
from docker_build.running import carry_out
from docker_compose.stack import ComposeStack
from docker_compose.targets import for_target
from docker_run import labels_for
from docker_run.command import split_environment
from domain import DeployRequest, Emit, Event, EventKind, Kind, Plan, Stage
from robust_error_handler import Code, DeploymentFailed
from settings import Settings
from workspace import Checkout

_USER_IGNORES = ".git\n**/.env.local\n**/.env.*.local\n"


@dataclass(frozen=True)
class ServiceBuild:
    """How one service is built: its Dockerfile (cut down to its target), the plan around it, and what else it may see."""

    service: str
    source: recipe.Source
    plan: Plan
    secrets: Mapping[str, str]
    has_network: bool
    request: DeployRequest
    contexts: Mapping[str, Path] = field(default_factory=dict)


async def build(stack: ComposeStack, checkout: Checkout, emit: Emit, settings: Settings) -> ComposeStack:
    """The stack with an image for every service; what nothing changed for is not built again."""
    await asyncio.to_thread(check_disk, settings)
    builds = [await asyncio.to_thread(_find, stack, name, checkout) for name in stack.built]
    for one in builds:
        await _check(one)
    foreign = stack.model["services"].keys() - {*stack.built, *stack.copies}
    pulled = {name: str(body["image"]) for name, body in stack.model["services"].items() if name in foreign}
    bases = {image for one in builds for image in _bases(one)}
    replacements = await base_images.resolve([*pulled.values(), *sorted(bases)], emit, settings)
    chosen = {name: replacements[image] for name, image in pulled.items()}
    for one in builds:
        chosen[one.service] = await _build_one(one, stack, checkout, replacements, emit, settings)
    chosen |= {name: chosen[other] for name, other in stack.copies.items()}
    return await _with_port(replace(stack, images=chosen))


def service_build_argv(build: Build, *, secrets: Mapping[str, str], has_network: bool) -> list[str]:
    """`docker build` of one service: as for a single app, with the secrets that the file names, or without network."""
    argv = build_argv(build)
    extra = [word for name, path in secrets.items() for word in ("--secret", f"id={name},src={path}")]
    return [*argv[:-3], *extra, *([] if has_network else ["--network", "none"]), *argv[-3:]]


def _find(stack: ComposeStack, name: str, checkout: Checkout) -> ServiceBuild:
    if name in stack.parts:
        plan = stack.parts[name]
        source = recipe.find_source(plan, checkout)
        return ServiceBuild(name, source, plan, {}, True, stack.builds_for[name], named_contexts())
    body = stack.model["services"][name]["build"]
    context = Path(os.path.realpath(body["context"]))
    workspace = checkout.workspace
    folder = os.path.relpath(context, os.path.realpath(workspace.root))
    inline = body.get("dockerfile_inline")
    own = os.path.normpath(os.path.join(folder, str(body.get("dockerfile") or "Dockerfile")))
    text = str(inline) if inline else workspace.read_text(own) or ""
    cut = for_target(text, body.get("target"))
    if cut is None:
        message = f'Service "{name}" builds the target "{body["target"]}", which {own} does not have.'
        raise DeploymentFailed(
            Code.COMPOSE_INVALID, message, "Correct `target:`, or name the stage with `FROM ... AS`."
        )
    beside = None if inline else workspace.read_text(f"{own}.dockerignore")
    users = beside if beside is not None else workspace.read_text(f"{folder}/.dockerignore")
    source = recipe.Source(cut, context, folder, own, f"{users or ''}\n# from DevOps Butler\n{_USER_IGNORES}")
    args = {key: str(value) for key, value in (body.get("args") or {}).items() if value is not None}
    plan = Plan("compose", Kind.COMPOSE, context=folder, dockerfile_path=own, build_args=args)
    return ServiceBuild(name, source, plan, _secrets(stack, body), body.get("network") != "none", stack.request)


def _secrets(stack: ComposeStack, body: Mapping[str, Any]) -> dict[str, str]:
    files = stack.model.get("secrets") or {}
    wanted = [(str(entry.get("target") or entry["source"]), entry["source"]) for entry in body.get("secrets") or []]
    return {name: files[source]["file"] for name, source in wanted if (files.get(source) or {}).get("file")}


async def _check(one: ServiceBuild) -> None:
    try:
        await asyncio.to_thread(recipe.check, one.source, one.plan.build_args)
        unsafe = await unsafe_sources(dockerfile_text.remote_sources(one.source.text, one.plan.build_args))
        if unsafe:
            raise recipe.refused(one.source, unsafe)
    except DeploymentFailed as error:
        raise _of_service(one.service, error) from error


def _bases(one: ServiceBuild) -> tuple[str, ...]:
    return dockerfile_text.external_images(one.source.text, one.plan.build_args)


async def _build_one(
    one: ServiceBuild,
    stack: ComposeStack,
    checkout: Checkout,
    replacements: Mapping[str, str],
    emit: Emit,
    settings: Settings,
) -> str:
    """The tag of a service's image, built only where nothing of the same content is there."""
    request = one.request
    used = {name: replacements[name] for name in _bases(one)}
    ready = recipe.prepare(one.source, one.plan, request, used, settings.instance)
    for warning in ready.warnings:
        emit(Event(EventKind.WARNING, Stage.BUILD, f"{one.service}: {warning}"))
    found = [image.id for image in await images.inspect(sorted(set(used.values())))]
    tag = f"local-registry/{request.container_name}-{one.service.lower()}:"
    tag += ready.hash(request, checkout.commit.tree, found)
    if await _is_ours(tag, stack, settings):
        emit(Event(EventKind.NOTE, Stage.BUILD, f"{one.service}: nothing changed, {tag} is used again."))
        return tag
    folder = checkout.generated / f"compose-{one.service}"
    dockerfile, secret = await asyncio.to_thread(ready.write, folder)
    by_name, steering = split_environment(ready.build_args)
    command = Build(
        dockerfile=dockerfile,
        context=one.source.context,
        tag=tag,
        id_file=folder / "image-id",
        cache_namespace=f"{settings.instance}-u{request.user_id}",
        secret_file=secret,
        secret_ids=(recipe.SECRET_ID, ready.secret_alias),
        labels=labels_for(request, settings),
        build_args=steering,
        contexts=one.contexts,
        environment={**by_name, **ready.private_args},
    )
    emit(Event(EventKind.NOTE, Stage.BUILD, f"Building the service {one.service}."))
    argv = service_build_argv(command, secrets=one.secrets, has_network=one.has_network)
    try:
        await carry_out(command, emit, settings, argv=argv, prefix=f"{one.service} | ")
    except DeploymentFailed as error:
        raise _of_service(one.service, error) from error
    return tag


async def _is_ours(tag: str, stack: ComposeStack, settings: Settings) -> bool:
    request = stack.request
    ours = {"instance": settings.instance, "app": request.container_name, "user": str(request.user_id)}
    return any(image.labels == ours for image in await images.inspect([tag]))


async def _with_port(stack: ComposeStack) -> ComposeStack:
    """The site's port from what its image EXPOSEs, where the file does not say."""
    if stack.site.port is not None:
        return stack
    found = await images.inspect([stack.images[stack.site.service]])
    exposed = {"expose": [str(port) for port in found[0].ports]} if found else {}
    if not ports_of(exposed):
        return stack
    better = site_of({stack.site.service: exposed}, stack.site.service)
    return replace(stack, site=Site(stack.site.service, better.port, "EXPOSE of its image", stack.site.others))


def _of_service(service: str, error: DeploymentFailed) -> DeploymentFailed:
    return DeploymentFailed(error.code, f'Service "{service}": {error.message}', error.hint, error.lines)
