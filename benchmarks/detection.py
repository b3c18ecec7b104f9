"""Measures the planner on a corpus of repositories: what it gets right by column, each miss with its reason, and time.

    python benchmarks/detection.py --corpus FILE --sources DIR [--results FILE]

FILE is tab-separated with the columns of the corpus (id, repo, path, expected_strategy, expected_port, version_asked,
package_manager, ...). DIR holds the unpacked sources as `owner+name/path`. How each column is judged:

* kind: the plan's kind is the expected one. Where no plan is made, the failure counts as what it says: a Compose file
  that is refused is `compose`, a choice of several applications is `monorepo`, anything else is `not-deployable`.
* port: the plan's port is the expected number; `none` wants no port, `platform(...)` a site that our own server serves,
  `PORT/required` any port, since PORT is always set.
* package manager: of the rows that name one. Where several are named, the plan names one of them. A version that the
  row names must be the one that is used.
* version: of the rows that name one. The plan's version satisfies what is asked for, or a warning quotes what was asked
  and says that it is not to be had.
"""

from __future__ import annotations

import argparse
import csv
import re
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nodesemver
from packaging.specifiers import InvalidSpecifier, SpecifierSet

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from butler_file import plan_for
from dockerfile_templates import detect, survey
from domain import Kind, Plan
from robust_error_handler import ButlerError, Code
from workspace import Workspace, open_folder

KINDS = {"react-spa/vite": "spa", "python-other": "python", "not-deployable": "none"}
SAME = {"shell": "none"}  # the corpus has no word for a shell script: it calls one not-deployable, of kind job
CHOICE_OF = 2
COLUMNS = ("kind", "port", "package_manager", "version")
RESULT_COLUMNS = (
    "id", "kind", "kind_right", "port", "port_right", "package_manager", "package_manager_right",
    "version", "version_right", "start", "warnings", "milliseconds", "error",
)  # fmt: skip


@dataclass
class Result:
    """What the planner made of one row."""

    row: dict[str, str]
    plan: Plan | None = None
    error: BaseException | None = None
    said: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        """The plan's kind, or what a failure amounts to."""
        if self.plan is not None:
            return str(self.plan.kind)
        if not isinstance(self.error, ButlerError):
            return "crash"
        if self.error.code in (Code.COMPOSE_INVALID, Code.COMPOSE_REFUSED):
            return str(Kind.COMPOSE)
        choice = [line for line in self.error.lines if line.startswith("candidate: ")]
        return str(Kind.MONOREPO if len(choice) >= CHOICE_OF else Kind.NONE)

    @property
    def port(self) -> str:
        """The plan's port as text."""
        return str(self.plan.port) if self.plan and self.plan.port else "none"

    @property
    def package_manager(self) -> str:
        """With its version where that is fixed; from the survey where there is no plan."""
        return self.said.get("package_manager", "")

    @property
    def version(self) -> str:
        """From the plan, or from the survey where there is none."""
        return (self.plan.version if self.plan else None) or self.said.get("version", "")

    @property
    def warnings_of_versions(self) -> list[str]:
        """What is said of a version that is not to be had, with a plan or in place of one."""
        if self.plan is not None:
            is_about = any("version" in warning.code for warning in self.plan.warnings)
            return [warning.message for warning in self.plan.warnings] if is_about else []
        lines = self.error.lines if isinstance(self.error, ButlerError) else ()
        return [line for line in lines if line.startswith("warning: ")]

    @property
    def explanation(self) -> str:
        """Why the planner decided as it did."""
        if self.plan is None:
            return f"{type(self.error).__name__}: {self.error}"
        return "; ".join(f"{entry.field} {entry.value} ({entry.source})" for entry in self.plan.evidence)


def main() -> int:
    """Run over the corpus and print; the exit code says whether every row ended in a plan or a clear error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="the tab-separated file of rows")
    parser.add_argument("--sources", type=Path, required=True, help="the folder of unpacked sources")
    parser.add_argument("--results", type=Path, help="write one line per row here")
    options = parser.parse_args()
    results = [measured(row, options.sources) for row in rows_of(options.corpus)]
    judged = [(result, {column: judge(column, result) for column in COLUMNS}) for result in results]
    report(judged)
    if options.results:
        write(options.results, judged)
    return 1 if any(result.kind == "crash" for result in results) else 0


def rows_of(corpus: Path) -> list[dict[str, str]]:
    """The rows of a corpus file."""
    with corpus.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def measured(row: dict[str, str], sources: Path) -> Result:
    """Plan one row in a fresh workspace."""
    result = Result(row)
    began = time.perf_counter()
    try:
        workspace, file = place_of(row, sources)
        result.plan = detect(workspace, file) if file else plan_for(workspace)
    except Exception as error:
        result.error = error
    result.seconds = time.perf_counter() - began
    if not isinstance(result.error, FileNotFoundError) and (result.plan is None or result.plan.package_manager is None):
        result.said = {entry.field: entry.value for entry in survey(place_of(row, sources)[0])}
    result.said |= {entry.field: entry.value for entry in (result.plan.evidence if result.plan else ())}
    return result


def place_of(row: dict[str, str], sources: Path) -> tuple[Workspace, str | None]:
    """The row's folder as a workspace; where its path is a file, the file's folder and its name."""
    top = sources / row["repo"].replace("/", "+")
    path = "" if row["path"] in ("", ".") else row["path"]
    if not (top / path).exists():
        raise FileNotFoundError(f"{top / path} is missing: unpack the sources there.")
    if (top / path).is_file():
        folder, _, name = path.rpartition("/")
        return open_folder(top, folder), name
    return open_folder(top, path), None


def judge(column: str, result: Result) -> bool | None:
    """Whether a column is right; None where the row says nothing of it."""
    return {"kind": _kind, "port": _port, "package_manager": _package_manager, "version": _version}[column](result)


def _kind(result: Result) -> bool:
    expected = result.row["expected_strategy"]
    return SAME.get(result.kind, result.kind) == KINDS.get(expected, expected)


def _port(result: Result) -> bool:
    expected = result.row["expected_port"]
    if expected.startswith("platform"):
        return result.kind in ("spa", "static") and result.port != "none"
    if expected.startswith("PORT"):
        return result.port != "none"
    return result.port == expected.split("/")[0]


def _package_manager(result: Result) -> bool | None:
    expected = re.sub(r"\(.*?\)", "", result.row["package_manager"]).strip()
    if not expected:
        return None
    found, _, found_version = result.package_manager.partition(" ")
    names = {name.partition("@")[0].replace("go mod", "go").strip() for name in expected.split("+")}
    version = expected.partition("@")[2]
    return found.replace("go mod", "go") in names and (not version or _starts(found_version, version))


def _starts(found: str, wanted: str) -> bool:
    return not found or found == wanted or wanted.startswith(f"{found}.")


def _version(result: Result) -> bool | None:
    asked = [part for part in result.row["version_asked"].replace("\ufeff", "").split(";") if _is_of_language(part)]
    if not asked:
        return None
    said = result.warnings_of_versions
    # A version file of several lines is written `3.12|2.7`; ranges of npm's have blanks around their `||`.
    wanted = [_range_of(one) for part in asked for one in (part.split("|") if re.search(r"\w\|\w", part) else [part])]
    if any(_satisfies(result.version, text) for text in wanted):
        return True
    return any(text in sentence for text in wanted for sentence in said)


def _is_of_language(part: str) -> bool:
    if part.partition("=")[2].strip().startswith("#"):  # a comment is no version
        return False
    return bool(part.strip()) and not re.match(r"\s*(npm|pnpm|yarn|bun)\b", part)


def _range_of(part: str) -> str:
    """The range itself: `.nvmrc=lts/iron` and `node >=18` name a place or a language first."""
    text = part.strip()
    name, equals, value = text.partition("=")
    if equals and re.fullmatch(r"[.\w-]+", name) and name not in ("node", "python"):
        text = value.strip()
    text = text.split(",")[0]
    return re.sub(
        r"^(?:poetry )?(?:node|python|ruby|go|php|python_version|requires-python|java)[ -](?=\S)", "", text
    ).strip()


def _satisfies(version: str, wanted: str) -> bool:
    if pessimistic := re.fullmatch(r"~>\s*(\d+)\.(\d+)", wanted):  # as Mix and RubyGems write it
        wanted = f">={pessimistic[1]}.{pessimistic[2]}.0 <{int(pessimistic[1]) + 1}.0.0"
    codenames = {"lts/iron": "20", "lts/hydrogen": "18", "lts/jod": "22", "lts/krypton": "24", "lts/*": "24"}
    wanted = codenames.get(wanted, wanted).removeprefix("v")
    exact = re.fullmatch(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.?x)?", wanted)
    if exact:
        return bool(version) and (
            wanted == version or wanted.startswith(f"{version}.") or version.startswith(f"{wanted}.")
        )
    return any(_in_range(f"{version}{tail}", wanted) for tail in ("", ".0", ".99", ".0.0", ".99.99"))


def _in_range(version: str, wanted: str) -> bool:
    try:
        if nodesemver.satisfies(version, wanted, loose=True):
            return True
    except (ValueError, TypeError, AttributeError, IndexError):
        pass
    try:
        return SpecifierSet(wanted).contains(version)
    except (InvalidSpecifier, ValueError):
        return False


def report(judged: list[tuple[Result, dict[str, bool | None]]]) -> None:
    """Print the figures by column, the times, and each miss."""
    for column in COLUMNS:
        verdicts = [verdict[column] for _, verdict in judged if verdict[column] is not None]
        right = sum(bool(verdict) for verdict in verdicts)
        share = 100 * right / len(verdicts) if verdicts else 100.0
        print(f"{column.replace('_', ' ') + ' right':<24} {right:>4} of {len(verdicts):<4} {share:5.1f} %")
    times = [1000 * result.seconds for result, _ in judged]
    slowest = max(judged, key=lambda entry: entry[0].seconds)[0]
    print(
        f"time per repository      median {statistics.median(times):.1f} ms, most {max(times):.0f} ms ({slowest.row['id']})"
    )
    print(f"crashes                  {sum(result.kind == 'crash' for result, _ in judged)}")
    for line in _misses(judged):
        print(line)


def _misses(judged: list[tuple[Result, dict[str, bool | None]]]) -> Iterator[str]:
    expected = {"kind": "expected_strategy", "port": "expected_port", "version": "version_asked"}
    for column in COLUMNS:
        for result, verdict in judged:
            if verdict[column] is False:
                wanted, got = result.row[expected.get(column, column)], getattr(result, column)
                yield f"\n{column}: {result.row['id']}: expected {wanted!r}, got {got!r}\n    {result.explanation}"


def write(path: Path, judged: list[tuple[Result, dict[str, bool | None]]]) -> None:
    """One tab-separated line per row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(RESULT_COLUMNS)
        for result, verdict in judged:
            words = {None: "", True: "yes", False: "no"}
            plan = result.plan
            found = [cell for column in COLUMNS for cell in (getattr(result, column), words[verdict[column]])]
            codes = " ".join(warning.code for warning in plan.warnings) if plan else ""
            failure = re.sub(r"\s+", " ", str(result.error)) if result.error else ""
            start = (plan.start if plan else None) or ""
            table.writerow([result.row["id"], *found, start, codes, f"{1000 * result.seconds:.1f}", failure])


if __name__ == "__main__":
    sys.exit(main())
