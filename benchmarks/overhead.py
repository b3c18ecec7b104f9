"""What the Butler costs beside doing the same by hand: clone, build, run, and wait for HTTP 200.

`python benchmarks/overhead.py [--rounds 5] [--json FILE]`. Both sides work in turn in the same run, so a busy machine
slows both; the figures to look at are the ratios of the medians. Each side's cold build is made cold by a line of its
own in the Dockerfile. Everything it makes is removed at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx2  # noqa: E402

import base_images  # noqa: E402
from settings import Settings  # noqa: E402
from tests.engine.harness import Client, Repository, Server, docker, free_port, sweep  # noqa: E402

SERVER = """import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"{body}")
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("", int(os.environ.get("PORT", 7000))), Handler).serve_forever()
"""
DOCKERFILE = """FROM {image}
WORKDIR /app
RUN echo {salt} > /salt
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY server.py .
EXPOSE 7000
CMD ["python3", "server.py"]
"""
REQUIREMENTS = "django==5.2.8\ngunicorn==23.0.0\npandas==2.3.3\npillow==12.0.0\npsycopg[binary]==3.3.9\n"
OFFICIAL = "python:3.11-slim"
CASES = ("cold", "unchanged", "one line changed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="butler-overhead-"))
    server = Server(work / "data", free_port(), {"BUTLER_FIRST_HOST_PORT": "21000"})
    first = timed_start(server)
    server.stop()
    again = timed_start(server)
    try:
        figures = {
            "first_start_seconds": first,
            "start_seconds": again,
            "idle_rss_mb": resident_mb(server),
            **compare(server, work, options.rounds),
        }
        figures["list_p99"] = list_latency(server, work)
    finally:
        server.stop()
        sweep(server)
        shutil.rmtree(work, ignore_errors=True)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def timed_start(server: Server) -> float:
    """Seconds from the start of the process to the first answer of `/health`; the first start makes the database."""
    began = time.perf_counter()
    server.start()
    return time.perf_counter() - began


def compare(server: Server, work: Path, rounds: int) -> dict[str, Any]:
    """The seconds of each case and round, for the Butler and by hand."""
    image = asyncio.run(base_images.resolve([OFFICIAL], lambda _event: None, Settings()))[OFFICIAL]
    client = server.user()
    seconds: dict[str, dict[str, list[float]]] = {case: {"butler": [], "verified": [], "by hand": []} for case in CASES}
    for number in range(rounds):
        sides: list[Callable[[], None]] = [
            lambda n=number: butler_round(client, work / f"butler-{n}", seconds),
            lambda n=number: hand_round(work / f"hand-{n}", image, seconds),
        ]
        for side in sides if number % 2 else reversed(sides):
            side()
    return {"seconds": seconds}


def butler_round(client: Client, folder: Path, seconds: dict[str, dict[str, list[float]]]) -> None:
    repository = Repository(folder / "octo" / "app")
    write(repository, OFFICIAL, "one")
    name = ""
    for case in CASES:
        if case == "one line changed":
            repository.commit({"server.py": SERVER.format(body="two")})
        answering, verified, name = timed_deploy(client, repository, name)
        seconds[case]["butler"].append(answering)
        seconds[case]["verified"].append(verified)
    client.destroy(name)


def timed_deploy(client: Client, repository: Repository, name: str) -> tuple[float, float, str]:
    """Seconds until the address of the new release answered 200, and until the deployment was verified and recorded."""
    fields = {"name": name} if name else {}
    began = time.time()
    answer = client.deploy(repository, **fields)
    verified = time.time() - began
    lines = client.get(f"/deployments/{answer['container_name']}/logs", params={"limit": 5000}).json()["lines"]
    final = [line for line in lines if line["kind"] == "note" and line["text"].startswith(f"{answer['deployed_url']} ")]
    return moment(final[-1]["time"]) - began, verified, answer["container_name"]


def moment(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def hand_round(folder: Path, image: str, seconds: dict[str, dict[str, list[float]]]) -> None:
    repository = Repository(folder / "octo" / "app")
    write(repository, image, "one")
    tag, port = f"butler-overhead/{uuid.uuid4().hex[:8]}", free_port()
    try:
        for number, case in enumerate(CASES):
            if case == "one line changed":
                repository.commit({"server.py": SERVER.format(body="two")})
            began = time.perf_counter()
            by_hand(repository, folder / f"clone-{number}", tag, port)
            seconds[case]["by hand"].append(time.perf_counter() - began)
    finally:
        subprocess.run(["docker", "rm", "--force", tag.replace("/", "-")], capture_output=True, check=False)
        subprocess.run(["docker", "rmi", "--force", tag], capture_output=True, check=False)


def by_hand(repository: Repository, clone: Path, tag: str, port: int) -> None:
    """What somebody types: clone, build, replace the container, wait for 200."""
    name = tag.replace("/", "-")
    run(["git", "clone", "--quiet", "--depth", "1", repository.url, str(clone)])
    run(["docker", "build", "--quiet", "--tag", tag, str(clone)])
    subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
    run(["docker", "run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:7000", tag])
    deadline = time.perf_counter() + 60
    while time.perf_counter() < deadline:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.02)
    raise AssertionError("it never answered")


def run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, capture_output=True, env={**os.environ, "DOCKER_BUILDKIT": "1"})


def write(repository: Repository, image: str, body: str) -> None:
    salt = uuid.uuid4().hex
    files = {"server.py": SERVER.format(body=body), "requirements.txt": REQUIREMENTS}
    repository.commit({**files, "Dockerfile": DOCKERFILE.format(image=image, salt=salt)})


def list_latency(server: Server, work: Path) -> dict[str, float]:
    """The 99th percentile of `GET /deployments` in ms, idle and while two builds run."""
    client, builders = server.user(), [server.user(), server.user()]
    repositories = []
    for number in range(2):
        repository = Repository(work / f"busy-{number}" / "octo" / "busy")
        write(repository, OFFICIAL, "busy")
        source = (repository.folder / "Dockerfile").read_text()
        loop = "RUN for i in $(seq 1 2000); do echo building line $i; sleep 0.004; done\n"
        repository.commit({"Dockerfile": source.replace("EXPOSE", loop + "EXPOSE")})
        repositories.append(repository)
    for _warm in range(50):
        client.get("/deployments")
    idle = percentile(client, until=time.monotonic() + 6)
    threads = [
        threading.Thread(target=builder.try_deploy, args=(repository,))
        for builder, repository in zip(builders, repositories, strict=True)
    ]
    for thread in threads:
        thread.start()
    time.sleep(2)
    busy = percentile(client, until=time.monotonic() + 8)
    for thread in threads:
        thread.join()
    return {"idle_ms": idle, "two_builds_ms": busy, "ratio": busy / idle}


def percentile(client: Client, *, until: float) -> float:
    taken = []
    while time.monotonic() < until:
        began = time.perf_counter()
        client.get("/deployments").raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(0.005)
    return statistics.quantiles(taken, n=100)[98]


def resident_mb(server: Server) -> float:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def show(figures: dict[str, Any]) -> None:
    print(f"{'':18} {'by hand':>9} {'Butler':>9} {'ratio':>6}   {'verified':>9}")
    for case, sides in figures["seconds"].items():
        hand, ours = statistics.median(sides["by hand"]), statistics.median(sides["butler"])
        verified = statistics.median(sides["verified"])
        print(f"{case:18} {hand:8.2f}s {ours:8.2f}s {ours / hand:6.2f}   {verified:8.2f}s")
    latency = figures["list_p99"]
    first, again = figures["first_start_seconds"], figures["start_seconds"]
    print(f"start to /health 200  {again:.2f} s (aim < 1.5); the very first, which makes the database, {first:.2f} s")
    print(f"idle memory           {figures['idle_rss_mb']:.0f} MB (aim < 100)")
    print(
        f"p99 of GET /deployments: idle {latency['idle_ms']:.1f} ms, two builds {latency['two_builds_ms']:.1f} ms, "
        f"ratio {latency['ratio']:.2f} (aim < 2)"
    )
    print(
        f"load average at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; docker {docker('version', '-f', '{{.Server.Version}}').strip()}"
    )


if __name__ == "__main__":
    main()
