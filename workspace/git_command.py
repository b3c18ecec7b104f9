"""How git is called: its argument lists and its environment, closed to the server owner's configuration and keys."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from domain import Secret
from settings import Settings, tool_environment
from workspace.git_address import GitAddress

LOW_SPEED_BYTES = 1000
LOW_SPEED_SECONDS = 30

_SAFE_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.symlinks=false",
    "credential.helper=",
    "submodule.recurse=false",
    "advice.detachedHead=false",
    "gc.auto=0",
    "core.fsync=none",  # the folder does not outlive the deployment
)
_FETCH_CONFIG = (
    "http.followRedirects=false",
    f"http.lowSpeedLimit={LOW_SPEED_BYTES}",
    f"http.lowSpeedTime={LOW_SPEED_SECONDS}",
    "transfer.fsckObjects=true",
    # Old and harmless faults that many public repositories carry.
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.badTimezone=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.missingNameBeforeEmail=ignore",
    "fetch.fsck.missingSpaceBeforeEmail=ignore",
)
# git-lfs writes no file where its filters are not configured, as they are nowhere else.
_LFS_CONFIG = (
    "lfs.concurrenttransfers=4",
    "filter.lfs.clean=git-lfs clean -- %f",
    "filter.lfs.smudge=git-lfs smudge -- %f",
    "filter.lfs.process=git-lfs filter-process",
    "filter.lfs.required=true",
)


@dataclass(frozen=True)
class Remote:
    """A checked address, the IP addresses that it is held to, and the token that goes with it."""

    address: GitAddress
    pins: tuple[str, ...] = ()
    token: Secret | None = field(default=None, repr=False)


def clone_argv(remote: Remote, branch: str | None, folder: str) -> list[str]:
    """Fetch one commit without checking it out."""
    chosen = [f"--branch={branch}"] if branch else []
    options = ["--progress", "--template=", "--depth=1", "--single-branch", "--no-tags", "--no-checkout"]
    return [*_git(_FETCH_CONFIG, _pin(remote)), "clone", *options, *chosen, "--", remote.address.url, folder]


def fetch_argv(remote: Remote, sha: str, folder: str) -> list[str]:
    """Fetch one commit by its hash into a repository that is there already."""
    options = ["--progress", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
    return [*_git(_FETCH_CONFIG, _pin(remote)), "-C", folder, "fetch", *options, "--", remote.address.url, sha]


def init_argv(folder: str) -> list[str]:
    """An empty repository."""
    return [*_git(), "init", "--quiet", "--template=", "--", folder]


def branches_argv(remote: Remote) -> list[str]:
    """The branches of a remote repository."""
    return [*_git(_FETCH_CONFIG, _pin(remote)), "ls-remote", "--heads", "--", remote.address.url]


def list_argv(folder: str, commit: str) -> list[str]:
    """Every entry of a commit with mode, hash and size."""
    return [*_git(), "-C", folder, "ls-tree", "-r", "-l", commit]


def checkout_argv(folder: str, commit: str) -> list[str]:
    """Write the commit's files; links become small files, to be made once their targets have been checked."""
    return [*_git(), "-C", folder, "read-tree", "--reset", "-u", commit]


def submodules_argv(folder: str) -> list[str]:
    """The paths and addresses in `.gitmodules`."""
    pattern = r"^submodule\..*\.(path|url)$"
    return [*_git(), "config", "--null", "--file", f"{folder}/.gitmodules", "--get-regexp", pattern]


def lfs_argv(remote: Remote, folder: str) -> list[str]:
    """Replace LFS pointers; the address beats any that the repository's `.lfsconfig` names."""
    where = f"lfs.url={remote.address.url.removesuffix('.git')}.git/info/lfs"
    return [*_git(_FETCH_CONFIG, _pin(remote), (where, *_LFS_CONFIG)), "-C", folder, "lfs", "pull"]


def nobodys_configuration(home: Path) -> dict[str, str]:
    """git without the configuration of the machine and of the server's owner."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
    }


def git_environment(remote: Remote, settings: Settings, home: Path) -> dict[str, str]:
    """What git gets on top of the tools' own environment. Nothing in it belongs to the server's owner."""
    environment = {
        **nobodys_configuration(home),
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_SSH_COMMAND": _ssh_command(remote, settings, home),
        "GIT_SSH_VARIANT": "ssh",
        "GIT_ALLOW_PROTOCOL": remote.address.scheme,
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
    return {**environment, **_authority_bundle(), **_token_config(remote)}


def web_origin(settings: Settings) -> str:
    """Where the repositories of the GitHub that the tokens belong to are cloned from."""
    parts = urlsplit(settings.github_api_url)
    return f"{parts.scheme}://{parts.netloc.lower().removeprefix('api.')}"


def token_for(address: GitAddress, token: Secret | None, settings: Settings) -> Secret | None:
    """The user's token if the address belongs to the GitHub that gave it, and to nobody else."""
    return token if token and address.origin == web_origin(settings) else None


def authorization(token: Secret) -> Secret:
    """The header that GitHub's Git server expects."""
    pair = base64.b64encode(f"x-access-token:{token.reveal()}".encode()).decode()
    return Secret(f"Authorization: Basic {pair}")


def _git(*groups: Sequence[str]) -> list[str]:
    settings = [*_SAFE_CONFIG, *(setting for group in groups for setting in group)]
    return ["git", *(word for setting in settings for word in ("-c", setting))]


def _pin(remote: Remote) -> list[str]:
    if not remote.pins or remote.address.scheme not in ("https", "http"):
        return []
    addresses = ",".join(f"[{pin}]" if ":" in pin else pin for pin in remote.pins)
    return [f"http.curloptResolve={remote.address.host}:{remote.address.effective_port}:{addresses}"]


def _token_config(remote: Remote) -> Mapping[str, str]:
    """A header in git's environment: argv is readable by everybody on the machine, and `.git/config` stays."""
    if remote.token is None:
        return {}
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{remote.address.origin}/.extraHeader",
        "GIT_CONFIG_VALUE_0": authorization(remote.token),
    }


def _authority_bundle() -> Mapping[str, str]:
    environment = tool_environment()
    bundle = environment.get("GIT_SSL_CAINFO") or environment.get("SSL_CERT_FILE")
    return {"GIT_SSL_CAINFO": bundle} if bundle else {}


def _ssh_command(remote: Remote, settings: Settings, home: Path) -> str:
    known = settings.data_dir.resolve() / "ssh_known_hosts"
    key = settings.ssh_key_file.resolve() if settings.ssh_key_file else None
    options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=accept-new",
        f"UserKnownHostsFile={_quoted(known)}",
        "GlobalKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        f"IdentityFile={_quoted(key or home / 'none')}",
        "ConnectTimeout=20",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=2",
        "PermitLocalCommand=no",
        "ClearAllForwardings=yes",
    ]
    if remote.pins and remote.address.scheme == "ssh":
        options += [f"HostName={remote.pins[0]}", f"HostKeyAlias={remote.address.host}"]
    return " ".join(["ssh", "-F", "/dev/null", *(f"-o {option}" for option in options)])


def _quoted(path: Path) -> str:
    """git hands this command to a shell, and ssh splits its options at spaces again."""
    escaped = str(path).replace("'", "'\\''")
    return f"'\"{escaped}\"'"
