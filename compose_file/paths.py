"""Checks, before Compose sees a file, every path that Compose itself would read: all must be inside the clone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from compose_file.reading import ComposeText, parse, services_of
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace

_MAX_FILES = 20
_MAX_ENV_FILE_BYTES = 1024 * 1024
_HINT = "Use paths relative to the Compose file, inside the repository, without variables."
Keys = tuple[str | int, ...]


def check_paths(text: ComposeText, workspace: Workspace) -> ComposeText:
    """The same text with the env files that are missing, once all paths in it and in what it includes are inside.

    Raises DeploymentFailed(COMPOSE_REFUSED) with all findings at once.
    """
    walk = _Walk(Path(os.path.realpath(workspace.checkout)))
    walk.file(text, text.path.parent)
    if walk.refused:
        count = "a path" if len(walk.refused) == 1 else f"{len(walk.refused)} paths"
        raise DeploymentFailed(
            Code.COMPOSE_REFUSED,
            f"{text.name} uses {count} that may not be used: {walk.refused[0]}",
            _HINT,
            walk.refused,
        )
    return replace(text, missing_env_files=tuple(dict.fromkeys(walk.missing)))


def inside(path: Path, root: Path) -> bool:
    """Whether a path stays below a root (itself already real) once every link in it is followed."""
    return Path(os.path.realpath(path)).is_relative_to(root)


@dataclass
class _Walk:
    """One pass over a file and the files it extends or includes."""

    root: Path
    refused: list[str] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)
    seen: set[tuple[Path, Path]] = field(default_factory=set)

    def file(self, text: ComposeText, base: Path) -> None:
        """Check one file whose relative paths start at `base`."""
        for keys, value, required in _env_files(text.model):
            target = self._checked(text, keys, value, base)
            if target is not None:
                self._env_file(text, keys, target, required)
        for keys, value in _extended(text.model):
            target = self._checked(text, keys, value, base)
            if target is not None:
                self._other_file(text, keys, target, target.parent)
        for keys, entry in _included(text.model):
            self._include(text, keys, entry, base)

    def _include(self, text: ComposeText, keys: Keys, entry: Mapping[str, Any], base: Path) -> None:
        paths = [self._checked(text, keys, value, base) for value in _as_list(entry.get("path"))]
        folder = self._checked(text, keys, entry["project_directory"], base) if "project_directory" in entry else None
        for value in _as_list(entry.get("env_file")):
            target = self._checked(text, keys, value, base)
            if target is not None:
                self._env_file(text, keys, target, required=True)
        first = next((path for path in paths if path is not None), None)
        if "env_file" not in entry and first is not None:
            self._default_env_file(text, keys, (folder or first.parent) / ".env")
        for path in paths:
            if path is not None and first is not None:
                self._other_file(text, keys, path, folder or first.parent)

    def _default_env_file(self, text: ComposeText, keys: Keys, path: Path) -> None:
        """Compose reads the `.env` beside an included file without being told to."""
        if os.path.lexists(path) and not inside(path, self.root):
            self.refused.append(
                f'{_owner(keys)}: ".env" beside the file ({text.where(*keys)}) leads out of the repository.'
            )

    def _checked(self, text: ComposeText, keys: Keys, value: object, base: Path) -> Path | None:
        """The path that a value names, or None once it is refused."""
        reason = None if isinstance(value, str) else "is not a path"
        if isinstance(value, str):
            reason = _unusable(value) or (None if inside(base / value, self.root) else "is outside the repository")
        if reason is None:
            return base / str(value)
        self.refused.append(f'{_owner(keys)}: the path "{value}" ({text.where(*keys)}) {reason}.')
        return None

    def _env_file(self, text: ComposeText, keys: Keys, target: Path, required: bool) -> None:
        if not target.exists():
            if required:
                self.missing.append(target)
        elif not target.is_file():
            self.refused.append(f'{_owner(keys)}: "{target.name}" ({text.where(*keys)}) is not a regular file.')
        elif target.stat().st_size > _MAX_ENV_FILE_BYTES:
            self.refused.append(f'{_owner(keys)}: "{target.name}" ({text.where(*keys)}) is larger than 1 MiB.')

    def _other_file(self, text: ComposeText, keys: Keys, target: Path, base: Path) -> None:
        if (target, base) in self.seen:
            return
        self.seen.add((target, base))
        if len(self.seen) > _MAX_FILES:
            self.refused.append(f"{text.name} extends or includes more than {_MAX_FILES} files.")
        elif not target.is_file():
            message = f'{_owner(keys)} needs the file "{target.name}" ({text.where(*keys)}), which is not there.'
            raise DeploymentFailed(Code.COMPOSE_INVALID, message, "Commit the file, or remove the line.")
        else:
            self.file(parse(target, os.path.relpath(target, text.path.parent)), base)


def _unusable(value: str) -> str | None:
    if "$" in value:
        return "holds a variable, which is not allowed here"
    if "://" in value or value.startswith(("git@", "github.com/")):
        return "is remote, which is not allowed"
    if value.startswith("~") or os.path.isabs(value) or "\\" in value:
        return "is outside the repository"
    return "is empty or holds a control character" if not value or any(ord(c) < 32 for c in value) else None


def _env_files(model: Mapping[str, Any]) -> Iterator[tuple[Keys, object, bool]]:
    for name, service in services_of(model).items():
        for key in ("env_file", "label_file"):
            for entry in _as_list(service.get(key)):
                if isinstance(entry, Mapping):
                    yield ("services", name, key), entry.get("path"), entry.get("required", True) is not False
                else:
                    yield ("services", name, key), entry, True


def _extended(model: Mapping[str, Any]) -> Iterator[tuple[Keys, object]]:
    for name, service in services_of(model).items():
        extends = service.get("extends")
        if isinstance(extends, Mapping) and extends.get("file") is not None:
            yield ("services", name, "extends", "file"), extends["file"]


def _included(model: Mapping[str, Any]) -> Iterator[tuple[Keys, Mapping[str, Any]]]:
    for index, entry in enumerate(_as_list(model.get("include"))):
        yield ("include", index), entry if isinstance(entry, Mapping) else {"path": entry}


def _owner(keys: Keys) -> str:
    return f'Service "{keys[1]}"' if keys[0] == "services" else "`include`"


def _as_list(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
