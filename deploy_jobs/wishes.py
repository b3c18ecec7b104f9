"""What a user asks to have deployed, and how asking again with the same key is known to be the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from database import RequestKey
from domain import Trigger


@dataclass(frozen=True)
class Wish:
    """What a user asked for. `name` is an app of theirs to deploy again; None as branch, folder, variables or overrides
    keeps what that app has, and empty overrides clear them.

    `key` is the request's own: whoever sends it again means the same release.
    """

    user_id: int
    username: str
    git_url: str
    trace_id: str
    name: str | None = None
    branch: str | None = None
    subdirectory: str | None = None
    backend_env: Mapping[str, str] | None = None
    frontend_env: Mapping[str, str] | None = None
    overrides: Mapping[str, Any] | None = None
    trigger: Trigger = Trigger.DEPLOY
    key: str | None = None

    def request_key(self) -> RequestKey | None:
        """The key with all that is asked for; a redeployment asks for nothing but the app."""
        if self.key is None:
            return None
        parts: list[object] = [self.trigger, self.name]
        if self.trigger is Trigger.DEPLOY:
            parts += [self.git_url, self.branch, self.subdirectory]
            parts += [self.backend_env, self.frontend_env, self.overrides]
        return RequestKey(self.user_id, self.key, json.dumps(parts, sort_keys=True))
