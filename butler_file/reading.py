"""Finds and reads a repository's `butler.yml`; a mistake in it is told with its line and the word that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from butler_file.keys import NOT_YET, ButlerFile
from compose_file.reading import ComposeText, is_blank, parse
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace

NAMES = ("butler.yml", "butler.yaml")
_HINT = "Correct the lines shown and deploy again; docs/butler.schema.json lists every key."
_WORDS = {
    "string_type": "must be text",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
}
_EXAMPLES = {"timeout": "30, 90s or 2m", "interval": "0.5, 2s or 1m", "memory": "512m or 1g", "path": "/health"}


@dataclass(frozen=True)
class Wishes:
    """A butler.yml that was read: what it says, and on which line it says it."""

    file: ButlerFile
    text: ComposeText

    def where(self, *keys: str) -> str:
        """`run.port in butler.yml, line 7`."""
        line = self.text.line(*keys)
        return f"{'.'.join(keys)} in {self.text.name}{f', line {line}' if line else ''}"

    def refused(self, reason: str, hint: str, *keys: str) -> DeploymentFailed:
        """The error for a word that cannot be followed in this repository."""
        return DeploymentFailed(Code.BUTLER_FILE_INVALID, f"{self.where(*keys)}: {reason}", hint)


def read(workspace: Workspace) -> Wishes | None:
    """The butler.yml of the folder that is deployed; None where there is none.

    Raises DeploymentFailed (BUTLER_FILE_INVALID) with all mistakes at once.
    """
    name = next((name for name in NAMES if workspace.exists(name) and not is_blank(workspace.read_text(name))), None)
    if name is None:
        return None
    try:
        text = parse(workspace.root / name, f"{workspace.subdirectory}/{name}".lstrip("/"))
    except DeploymentFailed as error:
        message = error.message.replace("with `services:`", "of keys")
        raise DeploymentFailed(Code.BUTLER_FILE_INVALID, message, _HINT, error.lines) from error
    try:
        return Wishes(ButlerFile.model_validate(_without_own(text.model)), text)
    except ValidationError as error:
        errors = sorted(_distinct(error.errors(include_url=False)), key=lambda entry: text.line(*_path(entry)) or 0)
        found = [_sentence(entry, text) for entry in errors]
        rest = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise DeploymentFailed(Code.BUTLER_FILE_INVALID, f"{found[0]}{rest}", _HINT, found) from error


def known_keys(*path: str) -> tuple[str, ...]:
    """The keys that may stand under a path: `known_keys("build")` are those of `build:`."""
    model: type[BaseModel] | None = ButlerFile
    for key in path:
        if model is None:
            break
        field = model.model_fields.get(key)
        model = _model_in(field.annotation) if field else model if path[:1] == ("env",) else None
    return tuple(model.model_fields) if model else ()


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _without_own(value: Any) -> Any:
    """The document without the author's own keys (`x-...`); a section that is left empty says nothing."""
    if not isinstance(value, Mapping):
        return value
    kept = {key: _without_own(item) for key, item in value.items() if not key.startswith("x-")}
    return {key: item for key, item in kept.items() if item is not None}


def _distinct(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """One error for each place, the innermost: a value that may have two forms fails once for each of them."""
    found: dict[tuple[str, ...], ErrorDetails] = {}
    for error in errors:
        found.setdefault(_path(error), error)
    return [
        error for path, error in found.items() if not any(other[: len(path)] == path for other in found.keys() - {path})
    ]


def _path(error: ErrorDetails) -> tuple[str, ...]:
    """Where an error is, in the file's own keys."""
    words = (str(part) for part in error["loc"])
    return tuple(word for word in words if not word.startswith("function-") and word not in ("Variable", "[key]"))


def _sentence(error: ErrorDetails, text: ComposeText) -> str:
    path = _path(error)
    line = text.line(*path)
    where = f"{text.name}:{line}" if line else text.name
    name = ".".join(path)
    if error["type"] == "extra_forbidden":
        return f"{where}: {_unknown(path)}"
    if error["loc"][-1] == "[key]":
        return f"{where}: {name}: {path[-1]!r} is not a name that can be used here"
    if error["type"] == "string_pattern_mismatch":
        return f"{where}: {name} is written like {_EXAMPLES.get(path[-1], error['ctx']['pattern'])}"
    return f"{where}: {name} {_WORDS.get(error['type']) or error['msg'].lower()}"


def _unknown(path: tuple[str, ...]) -> str:
    name, known = ".".join(path), known_keys(*path[:-1])
    if name in NOT_YET:
        return f"{name} is not offered here: {NOT_YET[name]}"
    near = difflib.get_close_matches(path[-1].lower(), known, 1, cutoff=0.5)
    if near:
        return f"{name} is not a key; did you mean {'.'.join((*path[:-1], near[0]))}?"
    elsewhere = [f"{section}.{path[-1]}" for section in known_keys() if path[-1] in known_keys(section)]
    if elsewhere:
        return f"{name} is not a key; did you mean {' or '.join(elsewhere)}?"
    return f"{name} is not a key; there are {', '.join(known)}"
