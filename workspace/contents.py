"""What a commit holds, judged before it is written to disk: limits, file kinds, links, submodules, LFS pointers."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from robust_error_handler import Code, DeploymentFailed
from settings import Settings

MAX_FILE_MB = 500
MAX_PATH_BYTES = 4000
MAX_LINK_BYTES = 4096
MEBIBYTE = 1024 * 1024

_FILES = frozenset({"100644", "100664", "100755"})
_LINK = "120000"
_SUBMODULE = "160000"
_LINE = re.compile(r"(\d{6}) (blob|commit|tree) ([0-9a-f]{40,64}) +(\d+|-)\t(.+)")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_LFS_POINTER_BYTES = range(100, 1025)


@dataclass(frozen=True)
class Entry:
    """One entry of a commit; `path` is relative to the repository."""

    mode: str
    sha: str
    size: int
    path: str


class Listing:
    """The entries of a commit as `git ls-tree -r -l` tells them, held to the limits while they come."""

    def __init__(self, settings: Settings, *, room: Listing | None = None) -> None:
        self.links: list[Entry] = []
        self.submodules: list[Entry] = []
        self.small: list[Entry] = []
        self.has_attributes = False
        self.files: int = room.files if room else 0
        self.size: int = room.size if room else 0
        self._settings = settings

    def add_line(self, line: str) -> None:
        """Take one line. Raises DeploymentFailed as soon as a limit is passed, so a bomb is never listed whole."""
        found = _LINE.fullmatch(line)
        if not found:
            raise DeploymentFailed(
                Code.CLONE_REFUSED, "The commit could not be listed.", "Its last line says why.", [line]
            )
        path = _unquoted(found[5])
        self._add(Entry(found[1], found[3], 0 if found[4] == "-" else int(found[4]), path))

    def _add(self, entry: Entry) -> None:
        self.files += 1
        self.size += entry.size
        self._check_limits(entry)
        if entry.mode == _LINK:
            self.links.append(entry)
        elif entry.mode == _SUBMODULE:
            self.submodules.append(entry)
        elif entry.mode not in _FILES:
            _unsafe(f"{entry.path!r} has the unknown mode {entry.mode}", "Commit it again as an ordinary file.")
        elif entry.size in _LFS_POINTER_BYTES:
            self.small.append(entry)
        self.has_attributes |= entry.path.rpartition("/")[2] == ".gitattributes"

    def _check_limits(self, entry: Entry) -> None:
        most = self._settings.max_repository_files
        if self.files > most:
            _too_large(f"more than {most:,} files", "BUTLER_MAX_REPOSITORY_FILES")
        if entry.size > MAX_FILE_MB * MEBIBYTE:
            _too_large(f"a file of {entry.size // MEBIBYTE:,} MiB, {entry.path!r}; {MAX_FILE_MB} MiB is the most")
        check_total_size(self.size, self._settings)
        if len(entry.path) > MAX_PATH_BYTES:
            _unsafe("a path is longer than 4,000 characters", "Shorten it.")
        if entry.mode == _LINK and not 0 < entry.size <= MAX_LINK_BYTES:
            _unsafe(f"the link {entry.path!r} has no usable target", "Remove it.")


def check_free_space(folder: Path, size: int, settings: Settings) -> None:
    """Raises DeploymentFailed (DISK_FULL) if writing `size` bytes leaves less than the reserve."""
    free = shutil.disk_usage(folder).free
    if free - size < settings.min_free_disk_mb * MEBIBYTE:
        raise DeploymentFailed(
            Code.DISK_FULL,
            f"The server has {free // MEBIBYTE:,} MiB of free disk, too little for this repository.",
            f"Free some: {settings.min_free_disk_mb:,} MiB are kept in reserve (BUTLER_MIN_FREE_DISK_MB).",
        )


def check_total_size(size: int, settings: Settings) -> None:
    """Raises DeploymentFailed (REPOSITORY_TOO_LARGE) above the limit."""
    if size > settings.max_repository_mb * MEBIBYTE:
        _too_large(f"more than {settings.max_repository_mb:,} MiB of files", "BUTLER_MAX_REPOSITORY_MB")


def make_links(folder: Path, links: Iterable[Entry], checkout: Path) -> None:
    """Turn the small files that stand for links into links, once every target is known to stay in the checkout.

    Raises DeploymentFailed (UNSAFE_REPOSITORY), naming the link.
    """
    targets = [(entry, os.fsdecode((folder / entry.path).read_bytes())) for entry in links]
    for entry, target in targets:
        _check_target(folder, entry.path, target, checkout)
    for entry, target in targets:
        place = folder / entry.path
        place.unlink()
        place.symlink_to(target)
    for entry, target in targets:  # a chain of links can leave where each of them alone does not
        if not Path(os.path.realpath(folder / entry.path)).is_relative_to(checkout):
            _leaves(entry.path, target)


def lfs_pointers(folder: Path, listing: Listing) -> list[str]:
    """The files that are only pointers to a Git LFS store."""
    if not listing.has_attributes:
        return []
    return [entry.path for entry in listing.small if _is_pointer(folder / entry.path)]


def remove_git_folders(folders: Iterable[Path]) -> None:
    """Take the history away, so that it lands in no image and no later git call trusts it."""
    for folder in folders:
        git = folder / ".git"
        if git.is_dir() and not git.is_symlink():
            shutil.rmtree(git, onerror=make_removable)
        else:
            git.unlink(missing_ok=True)


def make_removable(remove: Callable[[str], object], path: str, _: object) -> None:
    """For rmtree: a folder without write permission keeps its files; give it back, and try again."""
    try:
        for place in (os.path.dirname(path), path):
            if not os.path.islink(place):
                os.chmod(place, 0o700)
        remove(path)
    except OSError:
        if os.path.lexists(path) and remove is not os.rmdir:
            raise


def _check_target(folder: Path, path: str, target: str, checkout: Path) -> None:
    place = os.path.normpath(os.path.join(folder, os.path.dirname(path), target))
    if "\0" in target or os.path.isabs(target) or not Path(place).is_relative_to(checkout):
        _leaves(path, target)


def _leaves(path: str, target: str) -> NoReturn:
    _unsafe(f"the link {path!r} leads out of it, to {target[:200]!r}", "Replace the link with the file that it means.")


def _is_pointer(place: Path) -> bool:
    try:
        with place.open("rb") as file:
            return file.read(len(_LFS_POINTER)) == _LFS_POINTER
    except OSError:
        return False


def _unquoted(path: str) -> str:
    """git writes a path with odd bytes in it as a C string: octal escapes between double quotes."""
    if not (path.startswith('"') and path.endswith('"')):
        return path
    return os.fsdecode(path[1:-1].encode("ascii", "replace").decode("unicode_escape").encode("latin-1"))


def _too_large(what: str, setting: str = "") -> NoReturn:
    raised = f"; the operator can raise {setting}" if setting else ""
    raise DeploymentFailed(
        Code.REPOSITORY_TOO_LARGE,
        f"The repository has {what}.",
        f"Take what the app does not need out of it{raised}.",
    )


def _unsafe(what: str, hint: str) -> NoReturn:
    raise DeploymentFailed(Code.UNSAFE_REPOSITORY, f"The repository is not safe to check out: {what}.", hint)
