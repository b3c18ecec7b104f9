"""Secret values that an app's butler.yml asks to have made: made once, kept sealed beside the app's files, gone with it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from docker_compose import GENERATED, app_folder
from secret_box import SecretBox
from settings import Settings

_BYTES = 32


def generated_values(container_name: str, names: Sequence[str], settings: Settings) -> dict[str, str]:
    """A value for each name: the kept one, or a new random one that is kept from now on."""
    path = app_folder(container_name, settings) / GENERATED
    box = SecretBox.in_folder(settings.data_dir.resolve())
    kept = _read(path, box)
    new = {name: secrets.token_urlsafe(_BYTES) for name in names if name not in kept}
    if new:
        kept |= new
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(box.seal(json.dumps(kept)))
        draft.replace(path)
    return {name: kept[name] for name in names}


def kept_values(container_name: str, settings: Settings) -> dict[str, str]:
    """The values that were made for an app so far."""
    path = app_folder(container_name, settings) / GENERATED
    return _read(path, SecretBox.in_folder(settings.data_dir.resolve())) if path.exists() else {}


def _read(path: Path, box: SecretBox) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(box.unseal(path.read_text("ascii")))
    except FileNotFoundError:
        return {}
    return found
