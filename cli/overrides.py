"""`--set KEY=VALUE` and `--overrides FILE`: what a command sends in place of butler.yml's words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.failures import usage

_FORM = "Write it as --set run.port=3000 or --set build.command='npm run build'."


@dataclass(frozen=True)
class Overrides:
    """What was typed: the values by their dotted keys, which beat those of the file."""

    settings: Sequence[str] = ()
    file: Path | None = None

    def text(self) -> str | None:
        """What is sent; None where nothing was typed. A file by itself goes as it is, so that its lines can be told."""
        if not self.settings:
            return None if self.file is None else _content(self.file)
        return json.dumps(self._merged(), ensure_ascii=False)

    def _merged(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if self.file is not None:
            from butler_file import read_overrides

            values = read_overrides(_content(self.file)) or {}
        for name, value in _pairs(self.settings).items():
            values = _laid(values, name.split("."), value)
        return values


def _pairs(settings: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        name = name.strip()
        if not sign or not all(name.split(".")):
            raise usage(f"--set {setting!r} is not of the form KEY=VALUE.", _FORM)
        if name in pairs:
            raise usage(f"--set {name} is there twice.", "Keep one of the two.")
        pairs[name] = value
    _refuse_key_and_section(pairs)
    return pairs


def _refuse_key_and_section(pairs: Mapping[str, str]) -> None:
    for name in pairs:
        inner = next((other for other in pairs if other.startswith(f"{name}.")), None)
        if inner:
            raise usage(f"--set {name} and --set {inner} cannot both be.", "Keep one of the two.")


def _laid(values: Mapping[str, Any], keys: list[str], value: str) -> dict[str, Any]:
    """The values with one more at its place; what the file has there gives way."""
    key, *rest = keys
    inner = values.get(key)
    return {**values, key: _laid(inner if isinstance(inner, Mapping) else {}, rest, value) if rest else value}


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise usage(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from error
