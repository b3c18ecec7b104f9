"""The smallest image that tests can run: Debian's static busybox and links to its tools, imported under a test's tag."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def import_busybox(
    folder: Path,
    tag: str,
    *,
    tools: Sequence[str],
    changes: Sequence[str] = ("ENV PATH=/bin",),
    files: Mapping[str, str] | None = None,
) -> str:
    """Import the image and return its id; `changes` are Dockerfile instructions, `files` what else is in it."""
    archive = folder / "root.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(_static_busybox(folder), "bin/busybox")
        for name in tools:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
            tar.addfile(link)
        place = tarfile.TarInfo("tmp")
        place.type, place.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(place)
        for name, text in (files or {}).items():
            config = tarfile.TarInfo(name)
            config.size, config.mode = len(text), 0o644
            tar.addfile(config, io.BytesIO(text.encode()))
    words = [word for change in changes for word in ("--change", change)]
    return _run("docker", "import", *words, str(archive), tag).strip()


def _static_busybox(folder: Path) -> Path:
    """The installed one where it is static, else the one from Debian's package."""
    installed = shutil.which("busybox")
    if installed and b"ld-linux" not in Path(installed).read_bytes():
        return Path(installed)
    try:
        _run("apt-get", "download", "busybox-static", cwd=folder)
    except subprocess.CalledProcessError:  # a machine whose package lists were never fetched
        _run("apt-get", "update", cwd=folder)
        _run("apt-get", "download", "busybox-static", cwd=folder)
    package = next(folder.glob("busybox-static*.deb"))
    _run("dpkg-deb", "-x", str(package), str(folder / "unpacked"))
    return next((folder / "unpacked").rglob("bin/busybox"))


def _run(*argv: str, cwd: Path | None = None) -> str:
    return subprocess.run(argv, cwd=cwd, check=True, capture_output=True, text=True, timeout=120).stdout
