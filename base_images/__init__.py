"""Which image a build starts FROM: the one asked for, a replacement from the settings, or a stand-in made here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

import shell
from base_images import registry
from base_images.names import STAND_IN_PREFIX, Family, Recipe, Reference, parse, recipe_for
from base_images.registry import Pull, SilentRegistries
from base_images.stand_ins import STAND_IN_LABEL, ensure
from base_images.together import together
from domain import Emit, Event, EventKind, Stage
from robust_error_handler import Code, CommandFailed, DeploymentFailed, NotFound
from settings import Settings

__all__ = ["StandIn", "build_stand_in", "list_stand_ins", "remove_stand_ins", "resolve"]

_silent = SilentRegistries()
_RETRY_SECONDS = (1.0, 3.0)
_FAMILIES = "node, python, golang, rust, php, nginx, redis, debian and alpine"


@dataclass(frozen=True)
class StandIn:
    """A stand-in on this machine: its own name, the official image that it stands for, and its size."""

    name: str
    official: str
    size_bytes: int
    created: str


async def resolve(names: Sequence[str], emit: Emit, settings: Settings) -> dict[str, str]:
    """What to use for each image reference: itself where it can be had, a replacement or a stand-in otherwise.

    Raises DeploymentFailed(IMAGE_NOT_FOUND | DOCKER_DOWN).
    """
    wanted = [name for name in dict.fromkeys(names) if name]
    chosen = await together(*(_choose(name, emit, settings) for name in wanted))
    return dict(zip(wanted, chosen, strict=True))


async def list_stand_ins() -> list[StandIn]:
    """The stand-ins on this machine, by name."""
    argv = [
        "docker",
        "image",
        "ls",
        "--filter",
        f"reference={STAND_IN_PREFIX}*",
        "--format",
        "{{.Repository}}:{{.Tag}}",
    ]
    names = (await shell.output(argv, waiting_for="docker image ls")).split()
    found = [await _read_stand_in(name) for name in sorted(names) if "<none>" not in name]
    return [stand_in for stand_in in found if stand_in]


async def build_stand_in(name: str, emit: Emit, settings: Settings) -> StandIn:
    """Build a stand-in anew, by an official name (`node:22-slim`), a family (`node`) or its own name."""
    recipe = _recipe_named(name)
    _remark(recipe, emit)
    tag = await ensure(recipe, emit, settings, rebuild=True)
    built = await _read_stand_in(tag)
    if built is None:
        raise NotFound(
            f"{tag} was built and is gone again.", "Something else removes images on this machine; try again."
        )
    return built


async def remove_stand_ins(names: Sequence[str] = ()) -> list[str]:
    """Remove stand-ins (all of them where none is named) and return their names; ones in use stay."""
    removed = []
    for name in _removable(await list_stand_ins(), names):
        try:
            await shell.output(["docker", "image", "rm", name], timeout_seconds=60, waiting_for="docker image rm")
        except CommandFailed:
            continue
        removed.append(name)
    return removed


async def _choose(name: str, emit: Emit, settings: Settings) -> str:
    if name == "scratch" or name.startswith(STAND_IN_PREFIX):
        return name
    reference = parse(name)
    override = settings.base_images.get(name) or settings.base_images.get(reference.short)
    if override:
        await _require(override, name, emit, settings)
        return _use(emit, override, f"{name}: {override} is used, as BUTLER_BASE_IMAGES says.")
    if settings.image_registry and reference.is_official:
        mirrored = f"{settings.image_registry.rstrip('/')}/{reference.short}"
        if await _is_to_be_had(mirrored, emit, settings):
            return _use(emit, mirrored, f"{name}: {mirrored} is used, as BUTLER_IMAGE_REGISTRY says.")
    if await _is_to_be_had(name, emit, settings):
        return name
    return await _stand_in(name, reference, emit, settings)


async def _require(override: str, name: str, emit: Emit, settings: Settings) -> None:
    """A replacement from the settings is there, or the setting is said to be wrong."""
    lines: tuple[str, ...] = ()
    try:
        is_ours = override.startswith(STAND_IN_PREFIX)
        if override == "scratch" or await (
            registry.inspect(override) if is_ours else _is_to_be_had(override, emit, settings)
        ):
            return
        said = _silent.reason(parse(override).registry)
        lines = (said,) if said and not is_ours else ()
    except DeploymentFailed as error:
        if error.code is not Code.IMAGE_NOT_FOUND:
            raise
        lines = error.lines
    raise DeploymentFailed(
        Code.IMAGE_NOT_FOUND,
        f"The image {override}, which the setting BUTLER_BASE_IMAGES names in place of {name}, is not on this machine and "
        "cannot be pulled.",
        f'Correct the entry "{name}" of BUTLER_BASE_IMAGES on the server, or remove it; or have the image there '
        f"(docker pull {override}, or docker load).",
        lines,
    )


async def _is_to_be_had(name: str, emit: Emit, settings: Settings) -> bool:
    """Whether an image is here now, after a pull if need be. A registry that refuses it ends the matter."""
    if await registry.inspect(name) is not None:
        return True
    reference = parse(name)
    if not settings.base_image_pull or _silent.reason(reference.registry):
        return False
    pauses = () if recipe_for(reference) else _RETRY_SECONDS
    for pause in (*pauses, None):
        _say(emit, EventKind.NOTE, f"Pulling {name}.")
        outcome, reason = await registry.pull(name, emit)
        if outcome is Pull.DONE:
            return True
        if outcome is Pull.REFUSED:
            raise _refused(name, reason)
        if pause is not None:
            _say(
                emit,
                EventKind.NOTE,
                f"{reference.registry} {registry.in_plain_words(reason)}; trying again in {pause:.0f} s.",
            )
            await asyncio.sleep(pause)
    _silent.add(reference.registry, reason)
    return False


async def _stand_in(name: str, reference: Reference, emit: Emit, settings: Settings) -> str:
    reason = _silent.reason(reference.registry)
    why = f"{reference.registry} {registry.in_plain_words(reason)}" if reason else "pulling is switched off"
    recipe = recipe_for(reference)
    if recipe is None:
        raise _no_stand_in(name, reference, why, [reason] if reason else [])
    tag = await ensure(recipe, emit, settings)
    _remark(recipe, emit)
    return _use(emit, tag, f"{name} is not on this machine and {why}: the stand-in {tag} is used.")


def _recipe_named(name: str) -> Recipe:
    own = name.removeprefix(STAND_IN_PREFIX)
    recipe = recipe_for(parse("alpine" if own == "debian:bookworm-alpine" else own))
    if recipe is None:
        raise NotFound(f"There is no stand-in for {name}.", f"Stand-ins exist for {_FAMILIES}.")
    return recipe


def _removable(present: Sequence[StandIn], names: Sequence[str]) -> list[str]:
    """The named ones, those that others are built FROM last."""
    wanted = []
    for stand_in in present:
        family = stand_in.name.removeprefix(STAND_IN_PREFIX).partition(":")[0]
        if not names or {stand_in.name, stand_in.official, family} & set(names) or stand_in.name in _tags(names):
            wanted.append(stand_in.name)
    return sorted(wanted, key=_depth)


def _depth(name: str) -> tuple[bool, bool, bool, str]:
    family = name.removeprefix(STAND_IN_PREFIX).partition(":")[0]
    is_plain = not name.endswith("-alpine")
    return (family == Family.DEBIAN and is_plain, family == Family.TOOLCHAIN, is_plain, name)


def _tags(names: Sequence[str]) -> set[str]:
    recipes = [recipe_for(parse(name)) for name in names]
    return {recipe.tag for recipe in recipes if recipe}


async def _read_stand_in(name: str) -> StandIn | None:
    facts = await registry.inspect(name, "{{json .}}")
    if facts is None:
        return None
    image = json.loads(facts)
    official = ((image.get("Config") or {}).get("Labels") or {}).get(STAND_IN_LABEL, "")
    return StandIn(name, official, int(image["Size"]), str(image["Created"])) if official else None


def _refused(name: str, reason: str) -> DeploymentFailed:
    return DeploymentFailed(
        Code.IMAGE_NOT_FOUND,
        f"The image {name} cannot be pulled: its registry has none of this name, or does not give it to us.",
        "Check its name and tag; a private image must be pulled on the server once (docker login, docker pull).",
        [reason],
    )


def _no_stand_in(name: str, reference: Reference, why: str, said: Sequence[str]) -> DeploymentFailed:
    return DeploymentFailed(
        Code.IMAGE_NOT_FOUND,
        f"The image {name} is not on this machine and {why}; no stand-in can be built for it (only for {_FAMILIES}).",
        f'Load it (docker load), or name a replacement: BUTLER_BASE_IMAGES=\'{{"{reference.short}": "..."}}\', '
        "or a registry that answers in BUTLER_IMAGE_REGISTRY.",
        said,
    )


def _remark(recipe: Recipe, emit: Emit) -> None:
    for remark in recipe.remarks:
        _say(emit, EventKind.WARNING, f"The stand-in for {recipe.official} differs: {remark}.")


def _use(emit: Emit, image: str, text: str) -> str:
    _say(emit, EventKind.NOTE, text)
    return image


def _say(emit: Emit, kind: EventKind, text: str) -> None:
    emit(Event(kind, Stage.BUILD, text))
