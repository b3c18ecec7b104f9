"""What is said of a mistake in butler.yml or in overrides: the line, the key, and the word that was meant."""

from __future__ import annotations

import difflib
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from butler_file.keys import NOT_YET, ButlerFile
from compose_file.reading import ComposeText

_WORDS = {
    "string_type": "must be text",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
}
_EXAMPLES = {
    "timeout": "30, 90s or 2m",
    "interval": "0.5, 2s or 1m",
    "memory": "512m or 1g",
    "path": "/health",
    "version": "20 or 3.12",
    "output": "dist or build/client",
}


def sentences(error: ValidationError, name: str, text: ComposeText | None) -> list[str]:
    """One sentence for each mistake, in the order of the text that they are in, which messages call `name`."""

    def line(entry: ErrorDetails) -> int:
        return text.line(*_path(entry)) or 0 if text else 0

    errors = sorted(_distinct(error.errors(include_url=False)), key=line)
    return [f"{name}{f':{line(entry)}' if line(entry) else ''}: {_sentence(entry)}" for entry in errors]


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


def _sentence(error: ErrorDetails) -> str:
    path = _path(error)
    name = ".".join(path)
    if error["type"] == "extra_forbidden":
        return _unknown(path)
    if error["loc"][-1:] == ("[key]",):
        return f"{name}: {path[-1]!r} is not a name that can be used here"
    if error["type"] == "string_pattern_mismatch":
        return f"{name} is written like {_EXAMPLES.get(path[-1], error['ctx']['pattern'])}"
    return f"{name} {_WORDS.get(error['type']) or error['msg'].lower()}"


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
