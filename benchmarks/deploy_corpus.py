"""Deploys the rows of a corpus through the whole pipeline on a real engine, and writes what came of each.

    python benchmarks/deploy_corpus.py --corpus FILE --sources DIR [--only TEXT ...] [--results docs/corpus-results.md]

Taken are the `web` rows that can be built offline (`yes`), whose address must meet their `probe`, and the `build-fail`
rows, which must end in a readable message with a code other than `internal`. One server with a data folder of its own,
one row after another; each app is destroyed before the next, and what is left at the end goes by the instance's label.
What a person wrote below the line `## The failures, one by one` of the results is kept.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engine.harness import Client, Repository, Server, free_port, sweep

KEPT = "## The failures, one by one"
# Fixtures that install something known to be harmful on purpose are never deployed.
HARMFUL = re.compile(r"flatmap-stream|event-stream|malicious", re.IGNORECASE)
LARGEST_FOLDER_BYTES = 60_000_000


@dataclass
class Outcome:
    """What came of one row."""

    row: dict[str, str]
    met: bool
    said: str
    seconds: float
    code: str = ""
    plan: str = ""


def main() -> int:
    """Deploy the rows and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="the tab-separated file of rows")
    parser.add_argument("--sources", type=Path, required=True, help="the folder of unpacked sources")
    parser.add_argument("--only", action="append", default=[], help="only rows whose id holds this text")
    parser.add_argument("--results", type=Path, help="the Markdown file to write")
    options = parser.parse_args()
    rows = [
        row for row in chosen(options.corpus) if not options.only or any(text in row["id"] for text in options.only)
    ]
    outcomes: list[Outcome] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what is on the engine goes all the same
    with tempfile.TemporaryDirectory(prefix="butler-corpus-") as folder:
        server = Server(Path(folder) / "data", free_port(), {"BUTLER_FIRST_HOST_PORT": "26000"})
        server.start()
        client = server.user("corpus")
        try:
            for number, row in enumerate(rows, 1):
                outcomes.append(deployed(client, row, options.sources, Path(folder) / "repos"))
                print(f"[{number}/{len(rows)}] {told(outcomes[-1])}", flush=True)
                if options.results:
                    options.results.write_text(page(outcomes, options.results), encoding="utf-8")
        finally:
            server.stop()
            sweep(server)
    print(summary(outcomes))
    return 0


def chosen(corpus: Path) -> list[dict[str, str]]:
    """The rows to deploy: sites first."""
    with corpus.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    sites = [row for row in rows if row["kind"] == "web" and row["offline_buildable"] == "yes"]
    failing = [row for row in rows if row["kind"] == "build-fail"]
    return [row for row in (*sites, *failing) if not HARMFUL.search(" ".join(row.values()))]


def deployed(client: Client, row: dict[str, str], sources: Path, repositories: Path) -> Outcome:
    """One row from a repository of its own to its probe, and gone again."""
    began = time.monotonic()
    try:
        repository = copied(row, sources, repositories / row["id"])
        answer = client.try_deploy(repository)
    except Exception as error:  # a row that cannot even be tried is a result
        return Outcome(row, False, f"{type(error).__name__}: {error}", time.monotonic() - began)
    body: dict[str, Any] = answer.json()
    seconds = time.monotonic() - began
    shutil.rmtree(repositories / row["id"], ignore_errors=True)
    try:
        return judged(row, answer.status_code, body, seconds)
    finally:
        name = body.get("container_name") or body.get("error", {}).get("container_name")
        for entry in client.get("/deployments").json():
            if not name or entry["container_name"] == name or entry["status"] != "starting":
                client.delete(f"/deployments/{entry['container_name']}")


def copied(row: dict[str, str], sources: Path, place: Path) -> Repository:
    """The row's folder as the root of a repository; a Compose file that the row names becomes the only one."""
    source = sources / row["repo"].replace("/", "+") / ("" if row["path"] == "." else row["path"])
    repository = Repository(place)
    if source.is_file():
        (place / "docker-compose.yaml").write_bytes(source.read_bytes())
        repository.commit({})
        return repository
    if sum(path.stat().st_size for path in source.rglob("*") if path.is_file()) > LARGEST_FOLDER_BYTES:
        raise ValueError("the folder is too large to be copied")
    shutil.copytree(source, place, dirs_exist_ok=True, symlinks=True)
    repository.git("add", "--all", "--force")
    repository.commit({})
    return repository


def judged(row: dict[str, str], status: int, body: dict[str, Any], seconds: float) -> Outcome:
    """Whether a site meets its probe, or a failure says enough."""
    if status != 200:
        error = body.get("error", {})
        code, message = str(error.get("code", "")), str(error.get("message", ""))
        readable = row["kind"] == "build-fail" and code not in ("", "internal") and len(message) > 20
        return Outcome(row, readable, f"{message} {error.get('hint', '')}".strip(), seconds, code)
    deployment = body["deployment"]
    plan = " ".join(str(deployment.get(key) or "") for key in ("strategy", "framework")).strip()
    if row["kind"] == "build-fail":
        return Outcome(
            row, True, f"deploys after all: {probed('GET / -> 200', body['deployed_url'])[1]}", seconds, "", plan
        )
    met, said = probed(row["probe"], body["deployed_url"])
    return Outcome(row, met, said, seconds, "", plan)


def probed(probe: str, address: str | None) -> tuple[bool, str]:
    """Ask what the probe names; without a request in it, any answer but a server's error will do."""
    if not address:
        return False, "it runs, but has no address: no port is known"
    wanted = re.findall(r"GET (\S+?),? (?:on both )?-> (\d{3})", probe) or [("/", "")]
    text = re.search(r'contains "([^"]+)"', probe)
    headers = {"Host": "localhost"} if "Host" in probe and "localhost" in probe else {}
    said = []
    for path, status in wanted:
        answer = httpx2.get(
            address.rstrip("/") + path, headers=headers, timeout=60, trust_env=False, follow_redirects=True
        )
        right = str(answer.status_code) == status if status else answer.status_code < 500
        said.append(f"{path} {answer.status_code}")
        if not right or (text and text[1] not in answer.text):
            return False, f"asked for {probe}; {', '.join(said)}"
    return True, ", ".join(said)


def told(outcome: Outcome) -> str:
    """One line for the terminal."""
    mark = "ok  " if outcome.met else "MISS"
    return f"{mark} {outcome.row['id']} ({outcome.seconds:.0f} s) {outcome.plan} {outcome.code} {outcome.said[:160]}"


def summary(outcomes: list[Outcome]) -> str:
    """The two shares."""
    lines = []
    for kind, text in (("web", "sites that meet their probe"), ("build-fail", "failures with a readable message")):
        those = [outcome for outcome in outcomes if outcome.row["kind"] == kind]
        right = sum(outcome.met for outcome in those)
        if those:
            lines.append(f"{text}: {right} of {len(those)} ({100 * right / len(those):.1f} %)")
    return "\n".join(lines)


def page(outcomes: list[Outcome], path: Path) -> str:
    """The Markdown page, with what a person wrote at its end."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    kept = before[before.index(KEPT) :] if KEPT in before else f"{KEPT}\n"
    return "\n".join([*_head(outcomes), "", *_table(outcomes), "", kept.rstrip(), ""])


def _head(outcomes: list[Outcome]) -> Iterator[str]:
    yield "# What became of the corpus"
    yield ""
    yield "Written by `python benchmarks/deploy_corpus.py`: rows of the corpus of public repositories, each through the"
    yield "whole pipeline on a real engine, with base images that stand in for the official ones."
    yield ""
    yield from summary(outcomes).splitlines()


def _table(outcomes: list[Outcome]) -> Iterator[str]:
    for kind, title in (("web", "## Sites"), ("build-fail", "## Rows that must fail readably")):
        those = [outcome for outcome in outcomes if outcome.row["kind"] == kind]
        if not those:
            continue
        yield from (title, "", "| row | met | seconds | plan or code | what happened |", "|---|---|--:|---|---|")
        for outcome in those:
            said = re.sub(r"[|\s]+", " ", outcome.said)[:220]
            mark = "yes" if outcome.met else "**no**"
            yield f"| {outcome.row['id']} | {mark} | {outcome.seconds:.0f} | {outcome.plan or outcome.code} | {said} |"
        yield ""


if __name__ == "__main__":
    sys.exit(main())
