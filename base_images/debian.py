"""The Debian layer below all stand-ins: a root file system made by mmdebstrap that trusts what this machine trusts."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import shell
from base_images.machine import CA_BUNDLE, Machine
from base_images.names import Recipe
from robust_error_handler import Code, CommandFailed, DeploymentFailed
from settings import tool_environment

_MAKE_SECONDS = 900.0
_PACKAGES = "ca-certificates,netbase,tzdata"
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*")
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    f"SSL_CERT_FILE={_BUNDLE}",
    f"REQUESTS_CA_BUNDLE={_BUNDLE}",
    f"NODE_EXTRA_CA_CERTS={_BUNDLE}",
    f"PIP_CERT={_BUNDLE}",
)
# The name that official images use, which Dockerfiles with cache mounts for apt remove: no archive stays in a layer.
_DOCKER_CLEAN = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
"""


async def make_layer(
    recipe: Recipe, machine: Machine, labels: Sequence[str], folder: Path, on_line: shell.OnLine
) -> None:
    """Make a Debian release's layer and import it under the stand-in's name. Needs root and mmdebstrap."""
    overlay = folder / "overlay"
    write_overlay(overlay, machine)
    archive = folder / "rootfs.tar"
    make = mmdebstrap_argv(recipe.suite, machine, overlay=overlay, archive=archive)
    await shell.stream(make, on_line, timeout_seconds=_MAKE_SECONDS, waiting_for=f"the Debian layer {recipe.suite}")
    load = import_argv(recipe.tag, archive, labels)
    await shell.stream(load, on_line, timeout_seconds=_MAKE_SECONDS, waiting_for="docker import")


def mmdebstrap_argv(suite: str, machine: Machine, *, overlay: Path, archive: Path) -> list[str]:
    """Make the root file system; the overlay goes in before the CA bundle is put together."""
    hooks = [f"sync-in {shlex.quote(str(overlay))} /", 'chroot "$1" update-ca-certificates']
    hooks.append('rm -f "$1"/var/cache/apt/*.bin')  # apt's own `clean` leaves them where docker-clean is
    if CA_BUNDLE.is_file():
        hooks.append(f"upload {CA_BUNDLE} {_BUNDLE}")
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=apt",
        f"--include={_PACKAGES}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        "--dpkgopt=force-unsafe-io",
        *(f"--aptopt={option}" for option in machine.apt_options),
        *(f"--customize-hook={hook}" for hook in hooks),
        suite,
        str(archive),
        *machine.apt_sources(suite),
    ]


def import_argv(tag: str, archive: Path, labels: Sequence[str]) -> list[str]:
    """Make an image of the root file system."""
    changes = [*(f"ENV {pair}" for pair in _ENVIRONMENT), *(f"LABEL {label}" for label in labels), 'CMD ["bash"]']
    return ["docker", "import", *(word for change in changes for word in ("--change", change)), str(archive), tag]


def overlay_files(machine: Machine) -> dict[str, str]:
    """The files that differ from plain Debian: mirrors and certificates for pip and npm, and no service starts."""
    pip = {"cert": _BUNDLE, "disable-pip-version-check": "true", "root-user-action": "ignore", **machine.pip}
    registry = {"registry": f"{machine.npm_registry}/"} if machine.npm_registry else {}
    npm = {"cafile": _BUNDLE, **registry, "update-notifier": "false", "fund": "false"}
    return {
        "etc/pip.conf": "[global]\n" + "".join(f"{key} = {value}\n" for key, value in pip.items()),
        "usr/local/etc/npmrc": "".join(f"{key}={value}\n" for key, value in npm.items()),
        "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
        "etc/apt/apt.conf.d/docker-clean": _DOCKER_CLEAN,
    }


def write_overlay(folder: Path, machine: Machine) -> None:
    """Put the overlay and the machine's own certificates into a folder."""
    for name, text in overlay_files(machine).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755 if name.startswith("usr/sbin") else 0o644)
    certificates = folder / "usr/local/share/ca-certificates"
    certificates.mkdir(parents=True)
    for certificate in machine.certificates:
        shutil.copyfile(certificate, certificates / certificate.name)


def has_mmdebstrap() -> bool:
    """Whether mmdebstrap is installed."""
    return shutil.which("mmdebstrap", path=tool_environment().get("PATH")) is not None


def has_apt() -> bool:
    """Whether packages can be installed with apt-get."""
    return shutil.which("apt-get", path=tool_environment().get("PATH")) is not None


async def install_mmdebstrap() -> None:
    """Install mmdebstrap and Debian's signing keys with apt-get. Needs root."""
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    install = [*apt, "install", "--yes", "--no-install-recommends", "mmdebstrap", "debian-archive-keyring"]
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        await shell.output([*apt, "update"], timeout_seconds=300, waiting_for="apt-get update", env=env)
        await shell.output(install, timeout_seconds=600, waiting_for="apt-get install mmdebstrap", env=env)
    except CommandFailed as error:
        raise DeploymentFailed(
            Code.IMAGE_NOT_FOUND,
            "mmdebstrap, which makes stand-ins for base images, could not be installed.",
            "Run: apt-get install mmdebstrap debian-archive-keyring",
            error.tail[-5:],
        ) from error
