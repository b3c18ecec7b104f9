"""Where a repository has moved to: one hop, asked for by ourselves, because git would follow it anywhere."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urljoin

from robust_error_handler import BadRequest, Code, DeploymentFailed
from settings import Settings
from workspace.git_address import GitAddress, parse_git_url
from workspace.git_command import Remote, authorization

TIMEOUT_SECONDS = 15
_SERVICE = "/info/refs?service=git-upload-pack"


async def next_address(remote: Remote, settings: Settings) -> GitAddress:
    """The address that the server names instead; its host is checked like any other before it is reached.

    Raises DeploymentFailed (CLONE_REFUSED) if it names none, or one that may not be cloned.
    """
    location = await _location(remote)
    target = urljoin(remote.address.url + _SERVICE, location)
    if not target.endswith(_SERVICE):
        raise _refused("The address leads to a page that is no Git repository.")
    try:
        address = parse_git_url(target.removesuffix(_SERVICE), settings)
    except BadRequest as error:
        raise _refused("The address leads on to one that may not be cloned.") from error
    if address.url == remote.address.url:
        raise _refused("The address leads back to itself.")
    if address.scheme == "file" or (remote.address.scheme == "https" and address.scheme != "https"):
        raise _refused("The address leads on to one that may not be cloned.")
    return address


async def _location(remote: Remote) -> str:
    import httpx2  # seldom needed, and slow to load

    authorities = await asyncio.to_thread(ssl.create_default_context)
    try:
        async with (
            httpx2.AsyncClient(
                verify=authorities,
                timeout=TIMEOUT_SECONDS,
                follow_redirects=False,
                trust_env=not remote.pins,
            ) as client,
            client.stream(
                "GET", _pinned_url(remote), headers=_headers(remote), extensions=_server_name(remote)
            ) as response,
        ):
            return str(response.headers.get("location", "")) if response.is_redirect else ""
    except (httpx2.HTTPError, OSError) as error:
        raise _refused("The address leads on to another one, and the server would not say to which.") from error


def _pinned_url(remote: Remote) -> str:
    """The request goes to the IP address that was checked: the name may have changed its mind since."""
    if not remote.pins:
        return remote.address.url + _SERVICE
    pin = f"[{remote.pins[0]}]" if ":" in remote.pins[0] else remote.pins[0]
    return f"{remote.address.scheme}://{pin}:{remote.address.effective_port}/{remote.address.path}{_SERVICE}"


def _headers(remote: Remote) -> dict[str, str]:
    headers = {"Host": remote.address.origin.partition("://")[2], "User-Agent": "git/2 (devops-butler)"}
    if remote.token is not None:
        name, _, value = authorization(remote.token).reveal().partition(": ")
        headers[name] = value
    return headers


def _server_name(remote: Remote) -> dict[str, str]:
    return {"sni_hostname": remote.address.host}


def _refused(message: str) -> DeploymentFailed:
    return DeploymentFailed(
        Code.CLONE_REFUSED,
        message,
        "Open the repository's page in a browser and deploy the clone address that it shows.",
    )
