"""What a Git address, a branch and a subdirectory may look like: parsed strictly, rebuilt from their parts."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from robust_error_handler import BadRequest
from settings import Settings

MAX_ADDRESS_LENGTH = 1000
MAX_NAME_LENGTH = 41
DEFAULT_PORTS = {"https": 443, "http": 80, "ssh": 22}
SAMPLE_ADDRESS = "butler://samples/hello-butler"
"""The one repository of the server's own that everybody may deploy; `sample` knows where it lies."""

_EXAMPLE = "Paste the full address, such as https://github.com/owner/repository."
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)")
_SCP = re.compile(r"(?:([^@/:]*)@)?(\[[^\]]*\]|[^@/:\[\]]+):(?!//)(.+)")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~+@=-]|%20)+")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+@#=-]{0,199}")
_FOLDER = re.compile(r"[\w.@+~()\[\]=,][\w .@+~()\[\]=,-]{0,199}")


@dataclass(frozen=True)
class GitAddress:
    """Where a repository is, rebuilt from checked parts.

    `host` is lower case and without brackets ("" for a local one); `path` has no slash at either end. The hints
    come from addresses of web pages such as `.../tree/main/backend`. `credentials_removed` says that a user name
    or password stood in the address and was dropped.
    """

    url: str
    scheme: str
    host: str
    path: str
    branch_hint: str | None
    subdirectory_hint: str | None
    credentials_removed: bool
    port: int | None = None
    user: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port as they stand in `url`."""
        return f"{self.scheme}://{_authority(self.host, self.scheme, self.port)}"

    @property
    def effective_port(self) -> int:
        """The port that is connected to."""
        return self.port or DEFAULT_PORTS.get(self.scheme, 0)


def parse_git_url(text: str, settings: Settings) -> GitAddress:
    """The address that somebody typed or pasted. Raises BadRequest, saying why and what to do."""
    text = text.strip(" \t\r\n")
    _check_characters(text)
    if text == SAMPLE_ADDRESS:
        return GitAddress(text, "file", "", "samples/hello-butler", None, None, False)
    if local := _local_path(text):
        return _local(local, settings)
    if with_scheme := _SCHEME.fullmatch(text):
        return _from_url(with_scheme[1].lower(), with_scheme[2], settings)
    if scp_like := _SCP.fullmatch(text):
        return _from_scp(scp_like[1], scp_like[2], scp_like[3])
    raise BadRequest(f"{_shown(text)} is not a full Git address.", _guess(text))


def is_allowed_private(address: GitAddress, settings: Settings) -> bool:
    """Whether the operator has named this host (or host and port) as one that may be private."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    names = {address.host, host, f"{host}:{address.effective_port}"}
    return any(entry.lower() in names for entry in settings.allowed_private_hosts)


def check_branch(text: str | None) -> str | None:
    """A branch or tag name that is safe to hand to git; None for none. Raises BadRequest."""
    name = (text or "").strip().removeprefix("refs/heads/")
    if not name:
        return None
    parts = name.split("/")
    sound = all(part and part[0] not in ".-" and not part.endswith((".lock", ".")) for part in parts)
    if not (_BRANCH.fullmatch(name) and sound and ".." not in name and "@{" not in name):
        raise BadRequest(
            f"{_shown(name)} is not a branch name that can be used.",
            "Give a branch or tag of the repository, or leave it empty for the default branch.",
        )
    return name


def check_subdirectory(text: str | None) -> str | None:
    """A folder inside the repository, as "a/b"; None for the root. Raises BadRequest."""
    parts = [part for part in (text or "").strip().split("/") if part not in ("", ".")]
    for part in parts:
        if part == ".." or part.lower() == ".git" or not _FOLDER.fullmatch(part):
            raise BadRequest(
                f"{_shown(text or '')} is not a folder inside the repository.",
                "Give a path such as `backend` or `apps/web`, or leave it empty.",
            )
    return "/".join(parts) or None


def container_name_for(address: GitAddress) -> str:
    """A new app's name for life: `user-repo-a1b2c3d4`."""
    parts = [part for part in address.path.removesuffix(".git").split("/") if part != "_git"]
    words = re.sub(r"[^a-z0-9]+", "-", "-".join(parts[-2:]).lower()).strip("-")
    return f"{words[:MAX_NAME_LENGTH].strip('-') or 'app'}-{uuid.uuid4().hex[:8]}"


def _check_characters(text: str) -> None:
    if not text:
        raise BadRequest("There is no Git address.", _EXAMPLE)
    if len(text) > MAX_ADDRESS_LENGTH:
        raise BadRequest(f"The Git address is longer than {MAX_ADDRESS_LENGTH} characters.", _EXAMPLE)
    if text.startswith("-"):
        raise BadRequest("A Git address cannot start with a dash.", _EXAMPLE)
    if re.match(r"[A-Za-z0-9+.-]*::", text):
        raise BadRequest("Git's transport helpers (`name::...`) are not allowed.", "Use an https or ssh address.")
    if not text.isascii():
        raise BadRequest(
            "The Git address holds characters that are not ASCII.",
            "Copy the address from the repository's page; write an international host name in its xn-- form.",
        )
    if not text.isprintable() or " " in text or "\\" in text:
        raise BadRequest("The Git address holds a space, a control character or a backslash.", _EXAMPLE)


def _local_path(text: str) -> str | None:
    if text.lower().startswith("file:"):
        return text[5:].removeprefix("//")
    return text if text.startswith(("/", "./", "../", "~")) else None


def _local(path: str, settings: Settings) -> GitAddress:
    if not settings.allow_local_repositories:
        raise BadRequest(
            "Repositories on the server's own disk cannot be deployed.",
            "Use an https or ssh address; the operator can allow local ones with BUTLER_ALLOW_LOCAL_REPOSITORIES.",
        )
    if path.startswith("~"):
        raise BadRequest(f"{_shown(path)} depends on whose home folder is meant.", "Give the absolute path.")
    place = Path(path).resolve().as_posix() if "\0" not in path else path
    segments = _segments(place, place)
    inner = "/".join(segments)
    return GitAddress(f"file:///{inner}", "file", "", inner, None, None, False)


def _from_url(scheme: str, rest: str, settings: Settings) -> GitAddress:
    if scheme == "git+ssh" or scheme == "ssh+git":
        scheme = "ssh"
    authority, _, tail = re.sub(r"[?#].*", "", rest).partition("/")
    userinfo, has_credentials, place = authority.rpartition("@")
    host, port = _host_and_port(place, scheme)
    _check_scheme(scheme, host, port, rest, settings)
    segments = _segments(tail, place)
    if scheme == "ssh":
        user, has_password, _ = userinfo.partition(":")
        return _ssh(user, host, port, segments, credentials_removed=bool(has_password))
    segments, branch, subdirectory = _without_page(host, segments)
    path = "/".join(segments)
    url = f"{scheme}://{_authority(host, scheme, port)}/{path}"
    address = GitAddress(url, scheme, host, path, branch, subdirectory, bool(has_credentials), port)
    return _agreed(address)


def _check_scheme(scheme: str, host: str, port: int | None, rest: str, settings: Settings) -> None:
    if scheme in ("https", "ssh"):
        return
    if scheme != "http":
        raise BadRequest(f"Addresses that start with {scheme}:// cannot be cloned.", "Use an https or ssh address.")
    if not is_allowed_private(GitAddress("", scheme, host, "", None, None, False, port), settings):
        raise BadRequest(
            "Plain http is not allowed: anybody on the way could change the code.",
            f"Use https://{rest.rpartition('@')[2]} instead.",
        )


def _from_scp(user: str | None, place: str, path: str) -> GitAddress:
    if not user:
        raise BadRequest(
            f"{_shown(f'{place}:{path}')} has neither a scheme nor a user.",
            f"Write https://{place}/{path} or git@{place}:{path}.",
        )
    if place.startswith("["):
        host, _ = _host_and_port(place, "ssh")
    else:
        host = _checked_host(place)
    return _ssh(user, host, None, _segments(path, path), scp_root="/" if path.startswith("/") else "")


def _ssh(
    user: str,
    host: str,
    port: int | None,
    segments: list[str],
    *,
    scp_root: str | None = None,
    credentials_removed: bool = False,
) -> GitAddress:
    user = user or "git"
    if not _USER.fullmatch(user):
        raise BadRequest("The user name in the address cannot be used.", "Most hosts expect git@host:owner/repository.")
    if segments[0].startswith("-"):
        raise BadRequest("The path of an ssh address cannot start with a dash.", _EXAMPLE)
    path = "/".join(segments)
    authority = _authority(host, "ssh", port)
    # `git@host:path` starts in the user's home folder there and `ssh://` at the root: keep which one it was.
    url = f"ssh://{user}@{authority}/{path}" if scp_root is None else f"{user}@{authority}:{scp_root}{path}"
    return GitAddress(url, "ssh", host, path, None, None, credentials_removed, port, user)


def _host_and_port(place: str, scheme: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::([0-9]{0,5}))?", place)
    if not found:
        raise BadRequest(f"{_shown(place)} is not a host name.", _EXAMPLE)
    port = int(found[2]) if found[2] else None
    if port is not None and not 1 <= port <= 65535:
        raise BadRequest(f"{port} is not a port.", "Ports are 1 to 65535; leave it out for the usual one.")
    return _checked_host(found[1]), None if port == DEFAULT_PORTS.get(scheme) else port


def _checked_host(text: str) -> str:
    host = text.lower()
    try:
        if host.startswith("["):
            return str(ipaddress.IPv6Address(host[1:-1]))
        if not _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
            if len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split(".")):
                return host
            raise ValueError
        # `127.1` and `2130706433` are addresses to some programs and names to others.
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise BadRequest(f"{_shown(text)} is not a host name.", _EXAMPLE) from None


def _segments(path: str, shown: str) -> list[str]:
    segments = [segment for segment in path.split("/") if segment]
    if not segments:
        raise BadRequest(f"{_shown(shown)} names a server but no repository.", _EXAMPLE)
    for segment in segments:
        if segment in (".", "..") or not _SEGMENT.fullmatch(segment):
            raise BadRequest(
                f"The path of the address cannot hold {_shown(segment)}.",
                "Only letters, digits and . _ ~ + @ = - can be used. Copy the address from the repository's page.",
            )
    return segments


def _without_page(host: str, segments: list[str]) -> tuple[list[str], str | None, str | None]:
    """The repository's own path, and the branch and folder of a web page that shows a part of it."""
    if "-" in segments[1:]:  # GitLab: group/subgroup/repository/-/tree/branch/folder
        cut = segments.index("-", 1)
        return segments[:cut], *_hints(segments[cut + 1 :])
    if segments[2:4] in (["src", "branch"], ["src", "tag"]):  # Gitea, Forgejo
        return segments[:2], *_hints(["tree", *segments[4:]])
    if host == "bitbucket.org" and segments[2:3] == ["src"]:
        return segments[:2], *_hints(["tree", *segments[3:]])
    if host in ("github.com", "www.github.com") or segments[2:3] in (["tree"], ["blob"]):
        return segments[:2], *_hints(segments[2:])
    return segments, None, None


def _hints(page: list[str]) -> tuple[str | None, str | None]:
    if len(page) < 2 or page[0] not in ("tree", "blob"):
        return None, None
    folder = page[2:] if page[0] == "tree" else page[2:-1]
    return check_branch(page[1]), check_subdirectory("/".join(folder).replace("%20", " "))


def _agreed(address: GitAddress) -> GitAddress:
    """Two parsers that read one address differently are an old way past a check, so a second one is asked."""
    parts = urlsplit(address.url)
    if parts.hostname != address.host or (parts.port or None) != address.port or parts.username is not None:
        raise BadRequest("The host of the address cannot be told for certain.", _EXAMPLE)
    return address


def _authority(host: str, scheme: str, port: int | None) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port in (None, DEFAULT_PORTS.get(scheme)) else f"{bracketed}:{port}"


def _guess(text: str) -> str:
    parts: Iterable[str] = text.split("/")
    first, *others = parts
    if "." in first and others:
        return f"Write https:// before it: https://{text}."
    if len(others) == 1 and first and all(_SEGMENT.fullmatch(part) for part in (first, others[0])):
        return f"If it is on GitHub, paste https://github.com/{text}."
    return _EXAMPLE


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
