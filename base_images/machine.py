"""How this machine reaches its package mirrors and whom it trusts, so that stand-ins do the same."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import shell
from robust_error_handler import CommandFailed, ToolMissing
from settings import Settings

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_NPM_DEFAULT: dict[str, str] = {}
_PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "timeout")
_APT_OPTION = re.compile(r'^Acquire::(https?::Proxy\S*|Check-Valid-Until|Check-Date|Retries) "[^"\\]*";$')


@dataclass(frozen=True)
class Machine:
    """Where packages come from and which certificates are trusted; nothing here is secret.

    `mirror` and `npm_registry` are empty where nothing on the machine names one; `security` also where a mirror of
    one's own is used and no security suite is configured with it.
    """

    mirror: str
    security: str
    apt_options: tuple[str, ...]
    pip: Mapping[str, str]
    npm_registry: str
    certificates: tuple[Path, ...]

    def apt_sources(self, suite: str) -> list[str]:
        """The lines of a sources.list for a Debian release."""
        signed = f" [signed-by={_KEYRING}]"
        lines = [f"deb{signed} {self.mirror} {suite} main", f"deb{signed} {self.mirror} {suite}-updates main"]
        return [*lines, f"deb{signed} {self.security} {suite}-security main"] if self.security else lines


async def read_machine(settings: Settings) -> Machine:
    """Read the machine's apt, pip and npm configuration; settings beat it."""
    mirror, security = debian_mirrors(_texts(_apt_files()))
    if settings.debian_mirror:
        mirror, security = settings.debian_mirror.rstrip("/"), ""
    home = Path.home()
    pip = pip_options(_texts([Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf"), home / ".config/pip/pip.conf"]))
    if settings.pip_index_url:
        pip["index-url"] = settings.pip_index_url
    npmrcs = [Path("/usr/etc/npmrc"), Path("/usr/local/etc/npmrc"), Path("/etc/npmrc"), home / ".npmrc"]
    return Machine(
        mirror=mirror,
        security=security,
        apt_options=await _apt_options(),
        pip=pip,
        npm_registry=settings.npm_registry.rstrip("/") or npm_registry(_texts(npmrcs)) or await _npm_default(),
        certificates=_certificates(),
    )


async def _npm_default() -> str:
    """What npm itself uses when nothing is configured; empty where npm is not installed. Asked once: npm is slow."""
    if "address" not in _NPM_DEFAULT:
        _NPM_DEFAULT["address"] = await _ask_npm()
    return _NPM_DEFAULT["address"]


async def _ask_npm() -> str:
    try:
        answer = await shell.output(["npm", "config", "get", "registry"], waiting_for="npm's configuration")
    except (CommandFailed, ToolMissing):
        return ""
    address = answer.strip().rstrip("/")
    return address if _is_plain_address(address) else ""


def debian_mirrors(texts: Iterable[str]) -> tuple[str, str]:
    """The mirror and the security mirror that apt is told of, in either of its two formats; empty where there is none."""
    addresses = [address for text in texts for address in _apt_addresses(text) if "debian" in address]
    mirror = next((address for address in addresses if "security" not in address), "")
    security = next((address for address in addresses if "security" in address), "")
    return mirror, security


def pip_options(texts: Iterable[str]) -> dict[str, str]:
    """What a container can use of pip's configuration: addresses on the network without credentials."""
    found: dict[str, str] = {}
    for text in texts:
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(text)
        except configparser.Error:
            continue
        for key in _PIP_KEYS:
            value = parser.get("global", key, fallback="")
            words = [word for word in value.split() if not key.endswith("url") or _is_plain_address(word)]
            if words:
                found[key] = " ".join(words)
    return found


def npm_registry(texts: Iterable[str]) -> str:
    """The registry of the last npmrc that names one; empty where none does."""
    found = ""
    for text in texts:
        for value in re.findall(r"^\s*registry\s*=\s*(\S+)\s*$", text, re.MULTILINE):
            if _is_plain_address(value):
                found = value.rstrip("/")
    return found


def _is_plain_address(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _apt_addresses(text: str) -> list[str]:
    one_line = r"^deb\s+(?:\[[^\]]*\]\s*)?(\S+)"
    deb822 = r"^URIs:\s*(\S+)"
    found = re.findall(f"{one_line}|{deb822}", text, re.MULTILINE)
    addresses = [(first or second).rstrip("/") for first, second in found]
    return [address for address in addresses if _is_plain_address(address)]


def _apt_files() -> list[Path]:
    folder = Path("/etc/apt/sources.list.d")
    return [Path("/etc/apt/sources.list"), *sorted(folder.glob("*.sources")), *sorted(folder.glob("*.list"))]


def _certificates() -> tuple[Path, ...]:
    return tuple(sorted(_LOCAL_CERTIFICATES.rglob("*.crt")))


def _texts(files: Iterable[Path]) -> list[str]:
    found = []
    for file in files:
        try:
            found.append(file.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
    return found


async def _apt_options() -> tuple[str, ...]:
    try:
        dump = await shell.output(["apt-config", "dump"], timeout_seconds=20, waiting_for="apt's configuration")
    except (CommandFailed, ToolMissing):
        return ()
    return tuple(line for line in dump.splitlines() if _APT_OPTION.match(line) and "@" not in line)
