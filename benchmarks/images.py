"""Our generated images beside the Dockerfile that one writes in a minute: size, rebuild, user, PORT and HOST, secrets.

    python benchmarks/images.py [--only express,fastapi]

Both are built here and now from the same example, on the bases that this machine has (stand-ins where no registry
answers). After the first build one source file changes and both are built again. A `.env` file lies in the folder and
a build variable is given, as people do; then it is looked whether either can be read out of the image.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import base_images  # noqa: E402
import docker_build  # noqa: E402
from butler_file import plan_for  # noqa: E402
from domain import Commit, DeployRequest, Event  # noqa: E402
from settings import Settings  # noqa: E402
from workspace import Checkout, open_folder  # noqa: E402

FILE_SECRET, BUILD_SECRET = "env-file-secret-5f1c", "build-secret-9a2e"
NODE = "FROM {base}\nARG API_KEY\nWORKDIR /app\nCOPY . .\nRUN npm install\n"
PYTHON = "FROM {base}\nARG API_KEY\nWORKDIR /app\nCOPY . .\nRUN pip install {packages}\n"


@dataclass(frozen=True)
class App:
    """An example, the file of it that changes, and what one writes for it without much thought."""

    name: str
    example: str
    source: str
    base: str
    naive: str


APPS = (
    App("Express", "node", "server.js", "node:22", NODE + 'CMD ["npm", "start"]\n'),
    App("Next.js", "nextjs", "app/page.js", "node:22", NODE + 'RUN npm run build\nCMD ["npx", "next", "start"]\n'),
    App(
        "Vite SPA",
        "spa",
        "src/main.js",
        "node:22",
        NODE + 'RUN npm run build\nCMD ["npx", "vite", "preview", "--host"]\n',
    ),
    App(
        "Django",
        "django",
        "hello/urls.py",
        "python:3.12",
        PYTHON.replace("{packages}", "-r requirements.txt")
        + 'CMD ["python", "manage.py", "runserver", "0.0.0.0:8000"]\n',
    ),
    App(
        "FastAPI",
        "fastapi",
        "app/main.py",
        "python:3.12",
        PYTHON.replace("{packages}", "fastapi 'uvicorn[standard]'")
        + 'CMD ["uvicorn", "app.main:api", "--host", "0.0.0.0"]\n',
    ),
)


@dataclass(frozen=True)
class Measure:
    """What came of one way of building an app."""

    size_mb: float
    added_mb: float
    again_seconds: float
    installs_again: bool
    user: str
    port_and_host: bool
    secrets: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    wanted = {word for word in parser.parse_args().only.lower().split(",") if word}
    apps = [app for app in APPS if not wanted or app.name.lower() in wanted]
    print(
        "| app | image | size | on top of its base | after a change | installs again | user "
        "| PORT and HOST | secrets that can be read |\n|---|---|--:|--:|--:|---|---|---|---|",
        flush=True,
    )
    for app in apps:
        with tempfile.TemporaryDirectory(prefix="images-bench-") as name:
            for label, measure in asyncio.run(measured(app, Path(name))).items():
                print(row(app.name, label, measure), flush=True)


def row(app: str, label: str, it: Measure) -> str:
    return (
        f"| {app} | {label} | {it.size_mb:.0f} MB | {it.added_mb:.0f} MB | "
        f"{it.again_seconds:.1f} s | {'yes' if it.installs_again else 'no'} | {it.user} | "
        f"{'set' if it.port_and_host else 'not set'} | {', '.join(it.secrets) or 'none'} |"
    )


async def measured(app: App, folder: Path) -> dict[str, Measure]:
    settings = Settings(_env_file=None, data_dir=folder / "data")  # type: ignore[call-arg]
    names = await base_images.resolve([app.base], lambda event: None, settings)
    found = {}
    for label, build in (("naive", Naive(app, names[app.base])), ("ours", Ours(app, settings))):
        copy = Path(shutil.copytree(ROOT / "tests" / "examples" / app.example, folder / label))
        (copy / "expect.yml").unlink()
        (copy / ".env").write_text(f"TOKEN={FILE_SECRET}\n")
        try:
            await timed(build, copy, "1")
            changed = copy / app.source
            mark = "#" if changed.suffix == ".py" else "//"
            changed.write_text(f"{changed.read_text()}\n{mark} changed {time.time()}\n")
            again, log, image = await timed(build, copy, "2")
            found[label] = look(image, build.base, again, log)
        finally:
            build.remove()
    return found


async def timed(build: Naive | Ours, folder: Path, tree: str) -> tuple[float, str, str]:
    began = time.perf_counter()
    log, image = await build(folder, tree)
    return time.perf_counter() - began, log, image


class Naive:
    """`docker build` of a single stage."""

    def __init__(self, app: App, base: str) -> None:
        self.base, self._app, self._tag = base, app, f"butler-bench/naive-{app.example}"

    async def __call__(self, folder: Path, tree: str) -> tuple[str, str]:
        (folder / "Dockerfile").write_text(self._app.naive.format(base=self.base))
        words = ["docker", "build", "--progress=plain", "--build-arg", f"API_KEY={BUILD_SECRET}", "-t", self._tag]
        done = await asyncio.to_thread(
            subprocess.run, [*words, str(folder)], check=False, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stderr, self._tag

    def remove(self) -> None:
        subprocess.run(["docker", "image", "rm", "--force", self._tag], check=False, capture_output=True)


class Ours:
    """The plan, built as a deployment builds it."""

    def __init__(self, app: App, settings: Settings) -> None:
        self.base = ""
        self._settings = settings
        self._request = DeployRequest(
            "https://example.org/bench", f"bench-{app.example}", 0, frontend_env={"API_KEY": BUILD_SECRET}
        )

    async def __call__(self, folder: Path, tree: str) -> tuple[str, str]:
        workspace = open_folder(folder)
        plan = plan_for(workspace)
        generated = folder.parent / f"generated-{tree}"
        generated.mkdir()
        log: list[str] = []

        def emit(event: Event) -> None:
            log.append(event.text)

        checkout = Checkout(workspace, Commit("0" * 40, "", "", "main", tree), generated)
        image = await docker_build.build_image(plan, checkout, self._request, emit, self._settings)
        names = [plan.build_args.get(name) for name in ("PYTHON_IMAGE", "NODE_IMAGE")]
        final = "python:3.12-slim" if plan.kind in ("spa", "static") else next(name for name in names if name)
        self.base = (await base_images.resolve([final], emit, self._settings))[final]
        return "\n".join(log), image.id

    def remove(self) -> None:
        label = f"label=butler.instance={self._settings.instance}"
        found = subprocess.run(
            ["docker", "images", "-q", "--filter", label], capture_output=True, text=True, check=True
        )
        if ids := found.stdout.split():
            subprocess.run(["docker", "image", "rm", "--force", *ids], check=False, capture_output=True)


def look(image: str, base: str, again: float, log: str) -> Measure:
    config = inspect(image)
    names = {entry.partition("=")[0] for entry in config["Config"]["Env"]}
    return Measure(
        size_mb=config["Size"] / 1e6,
        added_mb=(config["Size"] - inspect(base)["Size"]) / 1e6,
        again_seconds=again,
        installs_again=installs(log),
        user=config["Config"]["User"] or "root",
        port_and_host={"PORT", "HOST"} <= names,
        secrets=tuple(readable(image)),
    )


def installs(log: str) -> bool:
    """Whether packages were fetched in this build: a step that installs ran instead of being taken from the cache."""
    return bool(
        re.search(r"^(?:#\d+ \S+ )?(?:added \d+ packages|Successfully installed|Collecting |\s*\+ \S+==)", log, re.M)
    )


def readable(image: str) -> list[str]:
    found = []
    history = docker("history", "--no-trunc", image) + docker("image", "inspect", image)
    if BUILD_SECRET in history:
        found.append("build variable (history)")
    command = f"grep -rsl -e {FILE_SECRET} /app /site /srv /opt 2>/dev/null || true"
    if docker("run", "--rm", "--entrypoint", "sh", image, "-c", command).strip():
        found.append(".env (file)")
    return found


def inspect(image: str) -> dict:  # type: ignore[type-arg]
    return json.loads(docker("image", "inspect", image))[0]


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True, timeout=120).stdout


if __name__ == "__main__":
    main()
