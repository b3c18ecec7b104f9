"""Our static server beside nginx, one worker each, on loopback in one run: requests per second for 1 kB and 1 MB.

    python benchmarks/static_server.py [--seconds 8] [--nginx PATH] [--wrk PATH]

Ours runs on the versions that its images install. Without wrk a bounded asyncio loader asks, which is slower than either
server and says so.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent.parent / "dockerfile_templates" / "assets"
FILES = {"1kb.html": 1024, "1mb.bin": 1024 * 1024}
CONNECTIONS = 32
ROUNDS = 3
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; types {{ text/html html; }} default_type application/octet-stream;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {site}; }}
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--nginx", default=shutil.which("nginx"))
    parser.add_argument("--wrk", default=shutil.which("wrk"))
    given = parser.parse_args()
    if not given.nginx:
        sys.exit("nginx is not installed: apt-get install nginx-light, or give --nginx PATH.")
    with tempfile.TemporaryDirectory(prefix="static-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        site = folder / "site"
        site.mkdir()
        for file, size in FILES.items():
            (site / file).write_bytes(os.urandom(size // 2).hex().encode())
        with nginx(given.nginx, folder, site) as theirs, ours(folder, site) as mine:
            report({"nginx": theirs, "ours": mine}, given)


def report(ports: dict[str, int], given: Any) -> None:
    how = "wrk" if given.wrk else "an asyncio loader"
    print(
        f"{how}, {CONNECTIONS} connections, the best of {ROUNDS} rounds of {given.seconds} s in turn, {os.cpu_count()} cores\n"
    )
    print("| file | nginx, requests/s | ours, requests/s | ours/nginx | ours, MB/s |\n|---|--:|--:|--:|--:|")
    for file, size in FILES.items():
        best = dict.fromkeys(ports, 0.0)
        for _ in range(ROUNDS):
            for server, port in ports.items():
                best[server] = max(best[server], rate(f"http://127.0.0.1:{port}/{file}", given))
        share = best["ours"] / best["nginx"]
        megabytes = best["ours"] * size / 1e6
        print(f"| {file} | {best['nginx']:,.0f} | {best['ours']:,.0f} | {share:.2f} | {megabytes:,.0f} |")


def rate(url: str, given: Any) -> float:
    if not given.wrk:
        return asyncio.run(ask(url, given.seconds))
    words = [given.wrk, "-t", "1", "-c", str(CONNECTIONS), "-d", f"{given.seconds}s", url]
    text = subprocess.run(words, check=True, capture_output=True, text=True, timeout=given.seconds + 30).stdout
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    return float(re.search(r"Requests/sec:\s*([\d.]+)", text)[1])  # type: ignore[index]


async def ask(url: str, seconds: float) -> float:
    host, port, path = re.fullmatch(r"http://([^:]+):(\d+)(.*)", url).groups()  # type: ignore[union-attr]
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    end = time.perf_counter() + seconds

    async def one() -> int:
        reader, writer = await asyncio.open_connection(host, int(port), limit=4 * 1024 * 1024)
        count = 0
        while time.perf_counter() < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head.lower())[1]))  # type: ignore[index]
            count += 1
        writer.close()
        return count

    return sum(await asyncio.gather(*(one() for _ in range(CONNECTIONS)))) / seconds


@contextmanager
def nginx(program: str, folder: Path, site: Path) -> Iterator[int]:
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, site=site, port=port, user=user))
    with running([program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")], port):
        yield port


@contextmanager
def ours(folder: Path, site: Path) -> Iterator[int]:
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(ASSETS / "requirements.txt"),
    ]
    subprocess.run(install, check=True, timeout=300)
    port = free_port()
    server = [python, str(ASSETS / "static_server.py"), str(site), "--host", "127.0.0.1", "--port", str(port)]
    with running(server, port):
        yield port


@contextmanager
def running(words: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(words)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
