"""Copies what a stack binds from its repository to a place that outlives the clone; nothing is bound live."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docker_compose.policy import repository_path
from robust_error_handler import Code, DeploymentFailed

_PLACEHOLDERS = frozenset({".gitkeep", ".keep", ".gitignore", ".placeholder"})


def settle(model: Mapping[str, Any], checkout: Path, folder: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The model with every bind, secret and config of the repository replaced by a copy under `folder`.

    A copy is named by its content, so what did not change stays where it is. A bound folder that the repository does
    not hold (or holds empty) is where the app keeps data: it becomes a named volume, which outlives deployments.
    Raises DeploymentFailed for a bound file that is missing.
    """
    keeper = _Keeper(Path(os.path.realpath(checkout)), folder)
    volumes = dict(model.get("volumes") or {})
    services = {}
    for name, service in model["services"].items():
        mounts = [keeper.mount(name, entry, volumes) for entry in service.get("volumes") or []]
        services[name] = {**service, **({"volumes": mounts} if mounts else {})}
    objects = {kind: keeper.file_objects(model.get(kind) or {}) for kind in ("secrets", "configs")}
    return {**model, "services": services, "volumes": volumes, **objects}, tuple(keeper.notes)


def bound_paths(model: Mapping[str, Any]) -> Iterator[Path]:
    """Every path of this machine that a final file uses."""
    for service in model.get("services", {}).values():
        for entry in service.get("volumes") or []:
            if entry.get("type") == "bind":
                yield Path(entry["source"])
    for kind in ("secrets", "configs"):
        yield from (Path(body["file"]) for body in (model.get(kind) or {}).values() if body.get("file"))


def remove_unused(folder: Path, *models: Mapping[str, Any]) -> None:
    """Remove the copies under `folder` that none of the models uses."""
    used = {path.parent.name for model in models for path in bound_paths(model) if path.parent.parent == folder}
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name not in used:
            shutil.rmtree(entry, ignore_errors=True)


class _Keeper:
    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self.notes: list[str] = []

    def mount(self, service: str, entry: Mapping[str, Any], volumes: dict[str, Any]) -> dict[str, Any]:
        if entry.get("type") != "bind":
            return dict(entry)
        source = self._inside(str(entry["source"]))
        shown = os.path.relpath(source, self._root)
        writable = not entry.get("read_only")
        if not source.exists() or (writable and _holds_nothing(source)):
            if not source.exists() and Path(shown).suffix:
                raise _missing(service, shown)
            return self._as_volume(entry, shown, volumes)
        if writable:
            what = "the repository" if shown == "." else shown
            self.notes.append(
                f'Service "{service}" gets a copy of {what}; what it writes there is lost when it changes in the '
                "repository. Use a named volume for data."
            )
        return {**entry, "source": str(self._copy(source, writable=writable))}

    def file_objects(self, objects: Mapping[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, body in objects.items():
            kept[name] = {key: value for key, value in (body or {}).items() if key in ("content", "file")}
            if body and body.get("file") is not None:
                kept[name]["file"] = str(self._copy(self._inside(str(body["file"])), writable=False))
        return kept

    def _inside(self, path: str) -> Path:
        """The policy has refused what leads out; asked again here because this is where it would do harm."""
        place = repository_path(path, self._root)
        if place is None:
            raise DeploymentFailed(Code.COMPOSE_REFUSED, f"{path} is outside the repository.", "Use a named volume.")
        return place

    def _as_volume(self, entry: Mapping[str, Any], shown: str, volumes: dict[str, Any]) -> dict[str, Any]:
        slug = re.sub(r"[^a-z0-9]+", "-", shown.lower()).strip("-")[:40] or "root"
        name = f"kept-{slug}-{hashlib.sha256(shown.encode()).hexdigest()[:6]}"
        if name not in volumes:
            volumes[name] = {}
            self.notes.append(f"The folder {shown} is empty in the repository; a volume that is kept takes its place.")
        kept = {key: entry[key] for key in ("target", "read_only") if key in entry}
        return {"type": "volume", "source": name, **kept}

    def _copy(self, source: Path, *, writable: bool) -> Path:
        place = self._folder / _digest(source, self._root, writable=writable) / source.name
        if not place.exists():
            shutil.rmtree(place.parent, ignore_errors=True)
            draft = place.parent.with_name(f"{place.parent.name}.new")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            if source.is_dir():
                shutil.copytree(source, draft / source.name, symlinks=True, ignore=_git_folder)
            else:
                shutil.copy2(source, draft / source.name)
            _open_up(draft / source.name, writable=writable)
            draft.rename(place.parent)
        return place


def _git_folder(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == ".git"]


def _holds_nothing(folder: Path) -> bool:
    return folder.is_dir() and set(os.listdir(folder)) <= _PLACEHOLDERS


def _entries(source: Path) -> Iterator[Path]:
    """The source itself and everything below it but `.git`, in a fixed order; links are not followed."""
    yield source
    if source.is_dir() and not source.is_symlink():
        for name in sorted(os.listdir(source)):
            if name != ".git":
                yield from _entries(source / name)


def _digest(source: Path, root: Path, *, writable: bool) -> str:
    digest = hashlib.sha256(f"{os.path.relpath(source, root)}\0{writable}".encode())
    for entry in _entries(source):
        mode = entry.lstat().st_mode
        digest.update(f"\0{entry.relative_to(source)}\0{stat.S_IFMT(mode)}\0{mode & 0o111}\0".encode())
        if entry.is_symlink():
            digest.update(os.readlink(entry).encode())
        elif entry.is_file():
            with entry.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:20]


def _open_up(place: Path, *, writable: bool) -> None:
    """Let the container's user read a copy, whoever that is, and write to it where the file says so."""
    for entry in _entries(place):
        if entry.is_symlink():
            continue
        mode = stat.S_IMODE(entry.stat().st_mode) | 0o444
        if entry.is_dir() or mode & 0o111:
            mode |= 0o111
        entry.chmod(mode | 0o222 if writable else mode)


def _missing(service: str, shown: str) -> DeploymentFailed:
    return DeploymentFailed(
        Code.COMPOSE_INVALID,
        f'Service "{service}" binds the file "{shown}", which is not in the repository.',
        "Commit the file (or an example of it), or remove it from `volumes:`.",
    )
