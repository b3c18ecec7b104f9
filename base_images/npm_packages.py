"""Node.js and its tools as npm packages: which versions fit, and their downloads; knows nothing of Docker."""

from __future__ import annotations

import base64
import hashlib
import platform
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import nodesemver  # type: ignore[import-untyped]

from base_images.machine import CA_BUNDLE
from robust_error_handler import Code, DeploymentFailed

_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_NPM_OF_NODE = {"14": "6", "16": "8", "18": "10", "20": "10", "22": "10", "24": "11"}
_ABBREVIATED = {"Accept": "application/vnd.npm.install-v1+json"}
_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Package:
    """One version of a package and where its archive is."""

    name: str
    version: str
    tarball: str
    integrity: str


def fetch_node(wanted: str, registry: str, folder: Path) -> str:
    """Download what `node.Dockerfile` needs into `folder`; returns Node's version. Blocks.

    `wanted` is a major version or more of it; where npm has no such patch version, the newest of its major is taken.
    """
    try:
        with httpx2.Client(verify=_trust(), timeout=_TIMEOUT_SECONDS, follow_redirects=True) as client:
            return _fetch(client, wanted, registry, folder)
    except httpx2.HTTPError as error:
        raise DeploymentFailed(
            Code.IMAGE_NOT_FOUND,
            f"The npm registry {registry} did not give what a stand-in for node:{wanted} needs.",
            "Check that the registry answers, or name another in BUTLER_NPM_REGISTRY.",
            [str(error)],
        ) from error


def _fetch(client: httpx2.Client, wanted: str, registry: str, folder: Path) -> str:
    binary = f"node-linux-{_ARCHITECTURES.get(platform.machine().lower(), platform.machine())}"
    major = wanted.split(".")[0]
    versions = _versions(client, registry, binary)
    node = newest(binary, versions, wanted) or newest(binary, versions, major)
    if node is None:
        raise DeploymentFailed(
            Code.IMAGE_NOT_FOUND,
            f"npm has no Node.js {wanted} for this machine ({binary}).",
            "Ask for a version that exists, or name an image of your own in BUTLER_BASE_IMAGES.",
        )
    tools = {"npm": _NPM_OF_NODE.get(major, "*"), "yarn": "1", "corepack": "*"}
    found = {
        name: newest(name, _versions(client, registry, name), asked, node.version) for name, asked in tools.items()
    }
    for name, package in {"node": node, **found}.items():
        if package is not None:
            _download(client, _address(package.tarball, registry), package, folder / f"{name}.tgz")
    return node.version


def newest(name: str, versions: Mapping[str, Any], wanted: str, node_version: str | None = None) -> Package | None:
    """The newest release within a range whose `engines` allow this version of Node."""
    fitting = [
        version
        for version, manifest in versions.items()
        if "-" not in version
        and nodesemver.satisfies(version, wanted, loose=True)
        and (node_version is None or _runs_on(manifest, node_version))
    ]
    if not fitting:
        return None
    version = max(fitting, key=lambda text: tuple(int(part) for part in text.split("+")[0].split(".")))
    dist = versions[version]["dist"]
    return Package(name, version, dist["tarball"], dist.get("integrity", ""))


def _runs_on(manifest: Mapping[str, Any], node_version: str) -> bool:
    engines = manifest.get("engines")
    asked = engines.get("node", "*") if isinstance(engines, dict) else "*"
    return bool(nodesemver.satisfies(node_version, asked, loose=True))


def _versions(client: httpx2.Client, registry: str, name: str) -> Mapping[str, Any]:
    answer = client.get(f"{registry}/{quote(name, safe='@')}", headers=_ABBREVIATED)
    answer.raise_for_status()
    versions: Mapping[str, Any] = answer.json()["versions"]
    return versions


def _address(tarball: str, registry: str) -> str:
    """A mirror may give another registry's addresses; npm can replace their host (`replace-registry-host`): so do we."""
    if urlsplit(tarball).netloc != urlsplit(registry).netloc:
        return registry + urlsplit(tarball).path
    return tarball


def _download(client: httpx2.Client, address: str, package: Package, target: Path) -> None:
    kind, _, wanted = package.integrity.split(" ")[0].partition("-")
    digest = hashlib.new(kind if wanted else "sha512")
    with client.stream("GET", address) as answer, target.open("wb") as file:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            digest.update(chunk)
            file.write(chunk)
    if wanted and base64.b64encode(digest.digest()).decode() != wanted:
        raise DeploymentFailed(
            Code.IMAGE_NOT_FOUND,
            f"The archive of {package.name} {package.version} is not what the npm registry says it should be.",
            "Try again; if it stays so, the registry or its mirror is broken.",
        )


def _trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CA_BUNDLE) if CA_BUNDLE.is_file() else None)
