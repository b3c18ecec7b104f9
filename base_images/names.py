"""Image references and which stand-in could take their place; knows nothing of Docker or of this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

STAND_IN_PREFIX = "local-registry/base-"
_HUB = "docker.io"
_ALPINE = "-alpine"
_NODE_NAMES = {
    "latest": "24",
    "current": "24",
    "lts": "24",
    "fermium": "14",
    "gallium": "16",
    "hydrogen": "18",
    "iron": "20",
    "jod": "22",
    "krypton": "24",
}
_DEBIAN_NAMES = {
    "latest": "trixie",
    "stable": "trixie",
    "testing": "trixie",
    "sid": "trixie",
    "unstable": "trixie",
    "13": "trixie",
    "trixie": "trixie",
    "oldstable": "bookworm",
    "12": "bookworm",
    "bookworm": "bookworm",
    "11": "bookworm",
    "bullseye": "bookworm",
    "10": "bookworm",
    "buster": "bookworm",
}
_EXACT_DEBIAN = {"latest", "stable", "13", "trixie", "oldstable", "12", "bookworm"}
_FLAVOUR = re.compile(r"(alpine|slim|apache|cli|bookworm|bullseye|buster|stretch|trixie|perl)[0-9.]*|\d{8}")
_VERSION = re.compile(r"\d+(\.\d+){0,2}")


class Family(StrEnum):
    """The official images that have a stand-in, and the layer that two of them share."""

    DEBIAN = "debian"
    TOOLCHAIN = "toolchain"
    NODE = "node"
    PYTHON = "python"
    NGINX = "nginx"
    REDIS = "redis"
    GOLANG = "golang"
    RUST = "rust"
    PHP = "php"


@dataclass(frozen=True)
class Reference:
    """An image reference in its parts; `registry` is Docker Hub's where none is written."""

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def is_official(self) -> bool:
        """Whether it is one of Docker Hub's single-name images."""
        return self.registry == _HUB and "/" not in self.repository

    @property
    def short(self) -> str:
        """The usual spelling: `node:22`, `user/app:1`, `host/app@sha256:...`."""
        host = "" if self.registry == _HUB else f"{self.registry}/"
        return f"{host}{self.repository}" + (f"@{self.digest}" if self.digest else f":{self.tag}")


@dataclass(frozen=True)
class Recipe:
    """A stand-in that can be built: `official` is the image whose place it takes, `remarks` how it differs.

    `version` is what it is named by; `suite` is the Debian release below it.
    """

    family: Family
    version: str
    suite: str
    official: str
    remarks: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """Its own name, which is never an official one."""
        return f"{STAND_IN_PREFIX}{self.family}:{self.version}"

    @property
    def is_alpine(self) -> bool:
        """Whether it stands for an Alpine flavour: the Debian one with substitutes for Alpine's own commands."""
        return self.version.endswith(_ALPINE)

    @property
    def parent(self) -> Recipe | None:
        """What it is built FROM; None for the Debian layer that all share."""
        if self.is_alpine:
            plain = replace(self, version=self.version.removesuffix(_ALPINE), remarks=())
            return replace(plain, official=f"{plain.family}:{plain.version}")
        match self.family:
            case Family.DEBIAN:
                return None
            case Family.NODE | Family.PYTHON:
                return Recipe(Family.TOOLCHAIN, self.suite, self.suite, f"buildpack-deps:{self.suite}")
            case _:
                return Recipe(Family.DEBIAN, self.suite, self.suite, f"debian:{self.suite}")


def parse(text: str) -> Reference:
    """Take an image reference apart, as Docker itself reads it."""
    name, _, digest = text.strip().partition("@")
    head, slash, rest = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        registry, path = head, rest
    else:
        registry, path = _HUB, name
    repository, _, tag = path.partition(":")
    if registry == _HUB:
        repository = repository.removeprefix("library/")
    return Reference(registry, repository, tag or "latest", digest)


def recipe_for(reference: Reference) -> Recipe | None:
    """The stand-in for an image, or None where there is no such family or the tag says something unknown."""
    if not reference.is_official or reference.digest:
        return None
    makers = {
        "alpine": _alpine,
        "debian": _debian,
        "node": _node,
        "python": _python,
        "nginx": _nginx,
        "redis": _redis,
        "golang": _golang,
        "rust": _rust,
        "php": _php,
    }
    version, flavours = _split_tag(reference.tag, is_debian=reference.repository == "debian")
    maker = makers.get(reference.repository)
    if maker is None or any(_FLAVOUR.fullmatch(flavour) is None for flavour in flavours):
        return None
    recipe = maker(version)
    if recipe and any(flavour.startswith("alpine") for flavour in flavours):
        return _as_alpine(recipe)
    return recipe


def _split_tag(tag: str, *, is_debian: bool) -> tuple[str, list[str]]:
    """`22.1-alpine3.20` -> ("22.1", ["alpine3.20"]); a tag without a version means the latest."""
    head, *rest = tag.split("-")
    if _FLAVOUR.fullmatch(head) and not (is_debian and head in _DEBIAN_NAMES):
        return "latest", [head, *rest]
    return head, rest


def _as_alpine(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        version=recipe.version + _ALPINE,
        official=recipe.official + _ALPINE,
        remarks=(*recipe.remarks, "it is made of Debian, not Alpine: `apk add` there calls apt-get"),
    )


def _alpine(version: str) -> Recipe | None:
    if not _VERSION.fullmatch(version) and version not in ("latest", "edge"):
        return None
    return replace(_as_alpine(Recipe(Family.DEBIAN, "bookworm", "bookworm", "")), official="alpine:3")


def _debian(version: str) -> Recipe | None:
    major = version.split(".")[0]
    suite = _DEBIAN_NAMES.get(major)
    if suite is None:
        return None
    remarks = () if major in _EXACT_DEBIAN else (f"Debian {version} was asked for and {suite} is used",)
    return Recipe(Family.DEBIAN, suite, suite, f"debian:{suite}", remarks)


def _node(version: str) -> Recipe | None:
    version = _NODE_NAMES.get(version, version)
    if not _VERSION.fullmatch(version):
        return None
    return Recipe(Family.NODE, version, "bookworm", f"node:{version}")


def _python(version: str) -> Recipe | None:
    """Debian has 3.11 and 3.13 only. For 3.12 the older one is nearer: packages pinned then have wheels for it."""
    if version in ("latest", "3"):
        return Recipe(Family.PYTHON, "3.13", "trixie", "python:3.13")
    match = re.fullmatch(r"3\.(\d+)(\.\d+)?", version)
    if match is None:
        return None
    asked = int(match[1])
    used, suite = ("3.13", "trixie") if asked >= 13 else ("3.11", "bookworm")
    remarks = () if used == f"3.{asked}" else (f"Python 3.{asked} was asked for and {used} is used",)
    return Recipe(Family.PYTHON, used, suite, f"python:{used}", remarks)


def _nginx(version: str) -> Recipe | None:
    return _of_debian(Family.NGINX, version, has="1.22", named={"latest", "stable", "mainline", "1"})


def _redis(version: str) -> Recipe | None:
    return _of_debian(Family.REDIS, version, has="7.0", named={"latest", "7"})


def _golang(version: str) -> Recipe | None:
    return _of_debian(Family.GOLANG, version, has="1.24", named={"latest", "1"}, suite="trixie")


def _rust(version: str) -> Recipe | None:
    return _of_debian(Family.RUST, version, has="1.85", named={"latest", "1"}, suite="trixie")


def _php(version: str) -> Recipe | None:
    return _of_debian(Family.PHP, version, has="8.4", named={"latest", "8"}, suite="trixie")


def _of_debian(family: Family, version: str, *, has: str, named: set[str], suite: str = "bookworm") -> Recipe | None:
    """The one version that a Debian release carries, whichever is asked for."""
    if version not in named and not _VERSION.fullmatch(version):
        return None
    same = version in named or version == has or version.startswith(f"{has}.")
    remarks = () if same else (f"{family} {version} was asked for and {has} is used",)
    return Recipe(family, has, suite, f"{family}:{has}", remarks)
