"""What is wished for a deployment: the request's overrides laid over the repository's `butler.yml`, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from butler_file.documents import Document, checked, find
from butler_file.keys import ButlerFile
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace

# A choice in the request takes the place of the other one in the file, with which it could not stand.
_INSTEAD: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {
    ("build", "dockerfile"): (("build", "builder"),),
    ("build", "builder"): (("build", "dockerfile"), ("build", "context")),
    ("run", "command"): (("run", "processes", "web"),),
    ("run", "processes", "web"): (("run", "command"),),
}


@dataclass(frozen=True)
class Wishes:
    """What is wished, and by whom: `documents` are the request's overrides, then butler.yml, as far as there are any."""

    file: ButlerFile
    documents: tuple[Document, ...]

    def says(self, *keys: str) -> bool:
        """Whether anything is wished under these keys."""
        return self._first(*keys) is not None

    def is_of_request(self, *keys: str) -> bool:
        """Whether it is the request that wishes this."""
        found = self._first(*keys)
        return found is not None and found.is_request

    def where(self, *keys: str) -> str:
        """`run.port in butler.yml, line 7`, or `run.port in the request`; a mapping may be of both."""
        saying = [document for document in self.documents if document.says(*keys)]
        both = all(isinstance(document.value(*keys), Mapping) for document in saying)
        return " and ".join(document.where(*keys) for document in (saying if both else saying[:1]))

    def refused(self, reason: str, hint: str, *keys: str) -> DeploymentFailed:
        """The error for a word that cannot be followed in this repository."""
        code = Code.OVERRIDES_INVALID if self.is_of_request(*keys) else Code.BUTLER_FILE_INVALID
        return DeploymentFailed(code, f"{self.where(*keys)}: {reason}", hint)

    def _first(self, *keys: str) -> Document | None:
        return next((document for document in self.documents if document.says(*keys)), None)


def read(workspace: Workspace) -> Wishes | None:
    """The wishes of the folder's own butler.yml; None where there is none.

    Raises DeploymentFailed (BUTLER_FILE_INVALID) with all mistakes at once.
    """
    return laid_over(find(workspace), None)


def laid_over(file: Document | None, request: Document | None) -> Wishes | None:
    """The request's wishes before those of the file; None where neither has any.

    What the request says is checked already, so every mistake that is left is the file's: also one that the request
    puts right is none. Raises DeploymentFailed (BUTLER_FILE_INVALID).
    """
    if file is None:
        return None if request is None else Wishes(ButlerFile.model_validate(request.values), (request,))
    text = file.text
    assert text is not None  # noqa: S101 - a file has a text
    if request is None:
        return Wishes(checked(file.values, text.name, text, Code.BUTLER_FILE_INVALID), (file,))
    left = Document(_given_way(file, request), text)
    merged = _merged(left.values, request.values)
    return Wishes(checked(merged, text.name, text, Code.BUTLER_FILE_INVALID), (request, left))


def _given_way(file: Document, request: Document) -> Mapping[str, Any]:
    """The file's values without those in whose place the request chooses something else."""
    values = file.values
    for chosen, others in _INSTEAD.items():
        if request.says(*chosen) and request.value(*chosen) != "dockerfile":
            for other in others:
                values = _without(values, *other)
    return values


def _without(values: Any, key: str, *inner: str) -> Any:
    if not isinstance(values, Mapping) or key not in values:
        return values
    others = {name: item for name, item in values.items() if name != key}
    return {**others, key: _without(values[key], *inner)} if inner else others


def _merged(file: Any, request: Any, *path: str) -> Any:
    """Mapping by mapping; a variable that is a plain text in one of them is that mapping's `value`."""
    if path[:1] == ("env",) and len(path) > 1 and isinstance(file, Mapping) != isinstance(request, Mapping):
        file, request = (one if isinstance(one, Mapping) else {"value": one} for one in (file, request))
    if not isinstance(file, Mapping) or not isinstance(request, Mapping):
        return request
    both = {key: _merged(file[key], item, *path, key) if key in file else item for key, item in request.items()}
    return {**file, **both}
