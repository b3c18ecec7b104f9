"""The two sets of variables that an app is given, and how they are stored: encrypted, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from secret_box import SecretBox


@dataclass(frozen=True)
class Environment:
    """Variables for the running container (`backend`) and for the build (`frontend`)."""

    backend: Mapping[str, str] = field(default_factory=dict, repr=False)
    frontend: Mapping[str, str] = field(default_factory=dict, repr=False)


def seal_variables(box: SecretBox, variables: Mapping[str, str]) -> str | None:
    """The variables as they are stored; nothing where there are none."""
    return box.seal(json.dumps(dict(variables))) if variables else None


def unseal_environment(box: SecretBox, backend: str | None, frontend: str | None) -> Environment:
    """The variables as they were given."""
    return Environment(*({} if sealed is None else json.loads(box.unseal(sealed)) for sealed in (backend, frontend)))
