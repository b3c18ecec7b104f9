"""Building stand-ins: one Debian layer from the machine's package mirror, and the Dockerfiles beside this file on it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from weakref import WeakKeyDictionary

import shell
from base_images import debian, registry
from base_images.machine import CA_BUNDLE, Machine, read_machine
from base_images.names import Family, Recipe
from base_images.together import together
from domain import Emit, Event, EventKind, Stage
from robust_error_handler import Code, CommandFailed, DeploymentFailed
from settings import Settings

STAND_IN_LABEL = "butler.stand-in"
RECIPE_LABEL = "butler.recipe"
_HERE = Path(__file__).resolve().parent
_FILES = _HERE / "files"
_BUILD_SECONDS = 900.0
_SHOWN_LINES = 12
_PIP_PACKAGES = {"3.11": "pip setuptools<80 wheel", "3.13": "pip"}

_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = WeakKeyDictionary()


async def ensure(recipe: Recipe, emit: Emit, settings: Settings, *, rebuild: bool = False) -> str:
    """The tag of a stand-in that is there and up to date; it and what it needs are built if need be.

    One that is out of date (another Dockerfile, mirror or CA) is kept in use where building anew fails.

    Raises DeploymentFailed(IMAGE_NOT_FOUND).
    """
    machine = await read_machine(settings)
    return await _ensure(recipe, machine, emit, rebuild)


def fingerprint(recipe: Recipe, machine: Machine) -> str:
    """A digest of all that a stand-in is made from, so that one made otherwise is recognised."""
    digest = hashlib.sha256(repr(machine).encode())
    for file in (CA_BUNDLE, *machine.certificates):
        digest.update(file.read_bytes() if file.is_file() else b"")
    step: Recipe | None = recipe
    while step is not None:
        for text in _sources(step, machine):
            digest.update(text.encode())
        step = step.parent
    return digest.hexdigest()[:16]


def _sources(recipe: Recipe, machine: Machine) -> list[str]:
    """The texts that decide what one layer holds."""
    if recipe.parent is None:
        nowhere = Path("/-")
        make = debian.mmdebstrap_argv(recipe.suite, machine, overlay=nowhere, archive=nowhere)
        return [repr(make), repr(debian.import_argv(recipe.tag, nowhere, ())), repr(debian.overlay_files(machine))]
    dockerfile = dockerfile_of(recipe).read_text(encoding="utf-8")
    copied = [file.read_text(encoding="utf-8") for file in sorted(_FILES.iterdir()) if file.name in dockerfile]
    return [recipe.version, dockerfile, _PIP_PACKAGES.get(recipe.version, ""), *copied]


def dockerfile_of(recipe: Recipe) -> Path:
    """The Dockerfile that a stand-in is built with."""
    return _HERE / f"{'alpine' if recipe.is_alpine else recipe.family}.Dockerfile"


def build_argv(recipe: Recipe, arguments: Mapping[str, str], recipe_digest: str, context: Path) -> list[str]:
    """Build a stand-in; `arguments` are its Dockerfile's."""
    argv = ["docker", "build", "--progress", "plain", "--file", str(dockerfile_of(recipe)), "--tag", recipe.tag]
    argv += [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    argv += [word for label in labels(recipe, recipe_digest) for word in ("--label", label)]
    return [*argv, str(context)]


def build_arguments(recipe: Recipe, machine: Machine, *, base: str, version: str) -> dict[str, str]:
    """What varies in a stand-in's Dockerfile; `version` is the one found where the name says less."""
    if recipe.is_alpine:
        return {"BASE": base}
    match recipe.family:
        case Family.NODE:
            return {"BASE": base, "NODE_VERSION": version, "NPM_REGISTRY": machine.npm_registry}
        case Family.PYTHON:
            return {"BASE": base, "PYTHON_VERSION": version, "PIP_PACKAGES": _PIP_PACKAGES[recipe.version]}
        case _:
            return {"BASE": base}


def labels(recipe: Recipe, recipe_digest: str) -> list[str]:
    """What marks a stand-in as ours; images built FROM it inherit these labels."""
    return ["butler=1", f"{STAND_IN_LABEL}={recipe.official}", f"{RECIPE_LABEL}={recipe_digest}"]


async def _ensure(recipe: Recipe, machine: Machine, emit: Emit, rebuild: bool = False) -> str:
    async with _lock(recipe.tag):
        wanted = await asyncio.to_thread(fingerprint, recipe, machine)
        present = await registry.inspect(recipe.tag, f'{{{{index .Config.Labels "{RECIPE_LABEL}"}}}} {{{{.Id}}}}')
        found, _, old_id = (present or "").partition(" ")
        if found == wanted and not rebuild:
            return recipe.tag
        try:
            await _build(recipe, machine, wanted, emit)
        except DeploymentFailed as error:
            if present is None or rebuild:
                raise
            _say(emit, EventKind.WARNING, f"{error.message} The older {recipe.tag} is used.")
            return recipe.tag
        if old_id:
            await _forget(old_id)
        return recipe.tag


async def _build(recipe: Recipe, machine: Machine, recipe_digest: str, emit: Emit) -> None:
    _say(emit, EventKind.NOTE, f"Building {recipe.tag}, a stand-in for {recipe.official}, from packages.")
    started = asyncio.get_running_loop().time()
    async with AsyncExitStack() as stack:
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="butler-stand-in-"))
        stack.push_async_callback(asyncio.to_thread, shutil.rmtree, folder, ignore_errors=True)
        lines: list[str] = []

        def on_line(line: str) -> None:
            lines.append(line)
            emit(Event(EventKind.LINE, Stage.BUILD, line))

        try:
            await _make(recipe, machine, recipe_digest, folder, emit, on_line)
        except CommandFailed as error:
            raise DeploymentFailed(
                Code.IMAGE_NOT_FOUND,
                f"The stand-in {recipe.tag} for {recipe.official} could not be built: {error}.",
                "See the lines above it; check that the package mirrors of this machine answer, then deploy again.",
                (lines or error.tail)[-_SHOWN_LINES:],
            ) from error
    seconds = asyncio.get_running_loop().time() - started
    emit(Event(EventKind.NOTE, Stage.BUILD, f"{recipe.tag} is ready.", seconds=seconds))


async def _make(
    recipe: Recipe, machine: Machine, recipe_digest: str, folder: Path, emit: Emit, on_line: shell.OnLine
) -> None:
    parent = recipe.parent
    if parent is None:
        await _check_tools(recipe, emit)
        if not machine.mirror:
            raise _unknown(recipe, "Debian mirror", "Set BUTLER_DEBIAN_MIRROR to the address of one.")
        await debian.make_layer(recipe, machine, labels(recipe, recipe_digest), folder, on_line)
        return
    await asyncio.to_thread(shutil.copytree, _FILES, folder, dirs_exist_ok=True)
    base, version = await _ingredients(recipe, parent, machine, folder, emit)
    arguments = build_arguments(recipe, machine, base=base, version=version)
    await shell.stream(
        build_argv(recipe, arguments, recipe_digest, folder),
        on_line,
        timeout_seconds=_BUILD_SECONDS,
        waiting_for=f"the build of {recipe.tag}",
        env={"DOCKER_BUILDKIT": "1"},
    )


async def _ingredients(recipe: Recipe, parent: Recipe, machine: Machine, folder: Path, emit: Emit) -> tuple[str, str]:
    """The layer below and what is downloaded for this one, fetched at the same time."""
    if recipe.family is not Family.NODE or recipe.is_alpine:
        return await _ensure(parent, machine, emit), recipe.version
    if not machine.npm_registry:
        raise _unknown(recipe, "npm registry", "Install npm, or set BUTLER_NPM_REGISTRY to the registry's address.")
    from base_images import npm_packages  # brings an HTTP client, which the server otherwise does without

    download = asyncio.to_thread(npm_packages.fetch_node, recipe.version, machine.npm_registry, folder)
    base, version = await together(_ensure(parent, machine, emit), download)
    if not f"{version}.".startswith(f"{recipe.version}."):
        _say(emit, EventKind.WARNING, f"Node.js {recipe.version} is not on npm; {version} is used.")
    return base, version


def _unknown(recipe: Recipe, what: str, remedy: str) -> DeploymentFailed:
    message = f"A stand-in for {recipe.official} cannot be built: nothing on this machine names its {what}."
    return DeploymentFailed(Code.IMAGE_NOT_FOUND, message, remedy)


async def _check_tools(recipe: Recipe, emit: Emit) -> None:
    """mmdebstrap is there, or is installed now; it needs root."""
    remedy = (
        f"Run once: sudo ./butler base-images build {recipe.official}. "
        "Or load the image (docker load), or name another in BUTLER_BASE_IMAGES or BUTLER_IMAGE_REGISTRY."
    )
    if os.geteuid() != 0:
        message = f"Building a stand-in for {recipe.official} needs root, and the Butler does not run as root."
        raise DeploymentFailed(Code.IMAGE_NOT_FOUND, message, remedy)
    if debian.has_mmdebstrap():
        return
    if not debian.has_apt():
        message = f"A stand-in for {recipe.official} is built from Debian packages with mmdebstrap, which is not here."
        raise DeploymentFailed(Code.IMAGE_NOT_FOUND, message, f"Install mmdebstrap. {remedy}")
    _say(emit, EventKind.NOTE, "Installing mmdebstrap, which makes the Debian layer of stand-ins.")
    await debian.install_mmdebstrap()


async def _forget(image_id: str) -> None:
    """Remove the image that a new stand-in took the name of, unless something still needs it."""
    try:
        await shell.output(["docker", "image", "rm", image_id], timeout_seconds=60, waiting_for="docker image rm")
    except CommandFailed:
        return


def _lock(tag: str) -> asyncio.Lock:
    """One build of a stand-in at a time; a lock belongs to the loop it is used in."""
    return _locks.setdefault(asyncio.get_running_loop(), {}).setdefault(tag, asyncio.Lock())


def _say(emit: Emit, kind: EventKind, text: str) -> None:
    emit(Event(kind, Stage.BUILD, text))
