"""How late a line of a program's output reaches a socket, at several rates: the server's own parts, one reader.

    python benchmarks/log_latency.py [--seconds 5] [--rates 1000 3000 8000] [--line-by-line]

A program writes lines that carry their time; they are read, masked, stored and sent as a build's are. The reader is a
process of its own, which asks for several lines in a frame as the dashboard and the command line do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import uvicorn
from websockets.sync.client import connect

import shell
from connection_manager import ReleaseLogs
from domain import Event, EventKind, Stage
from orchestrator import create_app
from settings import Settings
from tests.engine.harness import free_port

NAME = "bench-app-00000000"
WRITER = """
import sys, time
rate, seconds = int(sys.argv[1]), float(sys.argv[2])
began, written = time.time(), 0
while written < rate * seconds:
    due = min(int((time.time() - began) * rate), int(rate * seconds))
    now = time.time()
    sys.stdout.write("".join(f"{now:.6f} line {n} of a build that has much to say about its packages\\n"
                             for n in range(written, due)))
    sys.stdout.flush()
    written = due
    time.sleep(0.002)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rates", type=int, nargs="+", default=[1000, 3000, 8000])
    parser.add_argument("--line-by-line", action="store_true", help="ask for a frame for each line")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        read(*json.loads(given.read), is_batched=not given.line_by_line)
        return
    print(f"{'lines/s':>8} {'median':>10} {'p99':>10} {'longest':>10}")
    for rate in given.rates:
        with tempfile.TemporaryDirectory(prefix="butler-latency-") as folder:
            late = measured(Path(folder), rate, given.seconds, given.line_by_line)
        late.sort()
        p99 = statistics.quantiles(late, n=100)[98]
        print(f"{rate:8} {late[len(late) // 2] * 1000:7.0f} ms {p99 * 1000:7.0f} ms {late[-1] * 1000:7.0f} ms")
    print(f"load average at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def measured(folder: Path, rate: int, seconds: float, line_by_line: bool) -> list[float]:
    """How late each line was, in seconds."""
    settings = Settings(_env_file=None, data_dir=folder, port=free_port(), bcrypt_rounds=4)
    app = create_app(settings, log_stream=(folder / "server.log").open("w"))
    butler = app.state.butler
    user = butler.database.users.create("bench", email="bench@example.org", hashed_password="x")  # noqa: S106
    row = butler.database.deployments.create(user.id, container_name=NAME, git_url="https://git.example/a/b")
    release = butler.database.releases.create(row.id).id
    server = uvicorn.Server(
        uvicorn.Config(app, port=settings.port, log_config=None, lifespan="off", ws_per_message_deflate=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    butler.logs.open(release)
    where = json.dumps([settings.port, butler.auth.start_session(user).access_token])
    words = [sys.executable, __file__, "--read", where, *(["--line-by-line"] if line_by_line else [])]
    reader = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert reader.stdout is not None and reader.stdout.readline() == b"ready\n"
    loop = next(iter(server.servers)).get_loop()
    asyncio.run_coroutine_threadsafe(write(butler.logs, release, rate, seconds), loop).result()
    answer = reader.communicate(timeout=300)
    server.should_exit = True
    thread.join()
    return [float(one) for one in json.loads(answer[0])]


async def write(logs: ReleaseLogs, release: int, rate: int, seconds: float) -> None:
    """Have the program's lines published, in the server's own loop as a build's are."""

    def publish(line: str) -> None:
        logs.publish(release, Event(EventKind.LINE, Stage.BUILD, line))

    argv = [sys.executable, "-c", WRITER, str(rate), str(seconds)]
    await shell.stream(argv, publish, timeout_seconds=600, waiting_for="the writer")
    logs.close(release)


def read(port: int, token: str, *, is_batched: bool) -> None:
    """Follow the log to its end, and print how late each line was."""
    late: list[float] = []
    with connect(f"ws://127.0.0.1:{port}/ws/bench", compression=None, proxy=None) as socket:
        socket.send(json.dumps({"type": "auth", "token": token, "batch": is_batched}))
        socket.send(json.dumps({"type": "watch", "deployment": NAME, "after": 0}))
        for text in socket:
            frame, now = json.loads(text), time.time()
            if frame["type"] == "watching":
                print("ready", flush=True)
            elif frame["type"] == "end":
                break
            lines = frame.get("lines", [frame] if frame["type"] == "event" else [])
            late += [now - float(line["text"].split()[0]) for line in lines]
    print(json.dumps(late))


if __name__ == "__main__":
    main()
