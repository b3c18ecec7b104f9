"""A newcomer adds a strategy as docs/adding-a-strategy.md says, in a copy of the repository, and it works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "adding-a-strategy.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = {"node_modules", "frontend", "static", "data", "docs", "migrations"}


def left_out(folder: str, names: list[str]) -> set[str]:
    """Big folders at the top, and what tools leave behind."""
    top = LEFT_OUT if Path(folder) == ROOT else set()
    return {name for name in names if name in top or name.startswith(".") or name in ("venv", "__pycache__")}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "butler", ignore=left_out, symlinks=True))


def run(folder: Path, script: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_a_strategy_is_added_as_the_page_says_and_works(copy: Path) -> None:
    blocks = BLOCK.findall(PAGE)
    written = [name for _, name, _ in blocks if name]
    assert "dockerfile_templates/marimo.py" in written and len(written) == 4
    shown = ""
    for language, name, text in blocks:
        if name:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(text, encoding="utf-8")
        elif language == "sh":
            shown += run(copy, text)
    assert "is deployed as python" in shown and "marimo run notebook.py" in shown
    assert " passed" in shown
    added = run(copy, "python butler_cli.py plan tests/examples/marimo --json")
    assert json.loads(added)["strategy"] == "marimo"
    run(copy, "ruff check dockerfile_templates && ruff format --check dockerfile_templates/marimo.py")
