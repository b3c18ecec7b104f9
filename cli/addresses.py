"""What a person means by the address of a repository: an address, or a folder of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cli.failures import usage


@dataclass(frozen=True)
class Source:
    """A repository to deploy. `folder` is the repository's own folder where it is one of this machine."""

    git_url: str
    subdirectory: str | None
    folder: Path | None = None


def source_of(text: str, subdirectory: str | None) -> Source:
    """The address to send to the server; a folder inside a repository becomes the repository and a subdirectory."""
    if not looks_like_folder(text):
        return Source(text, subdirectory)
    folder = Path(text).expanduser().resolve()
    repository = next((place for place in (folder, *folder.parents) if _is_repository(place)), None)
    if repository is None:
        raise usage(
            f"{folder} is not a Git repository.",
            f"Make it one:\n  cd {folder} && git init && git add --all && git commit -m 'The app'",
        )
    inner = folder.relative_to(repository).as_posix()
    parts = [part for part in (inner if inner != "." else "", subdirectory or "") if part]
    return Source(repository.as_uri(), "/".join(parts) or None, repository)


def looks_like_folder(text: str) -> bool:
    """Whether this is a folder here. Raises a usage failure for a path that leads nowhere."""
    if "://" in text:
        return False
    if Path(text).expanduser().is_dir():
        return True
    if text.startswith((".", "/", "~")):
        raise usage(f"There is no folder {text}.", "Give the address of a repository, or a folder that exists.")
    return False


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists() or ((folder / "HEAD").is_file() and (folder / "objects").is_dir())
