"""The documents agree with the code; `python tests/test_docs.py` writes the tables that come from it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic_core import PydanticUndefined  # noqa: E402

from dockerfile_templates import STRATEGIES  # noqa: E402
from orchestrator import create_app  # noqa: E402
from robust_error_handler import Code  # noqa: E402
from settings import CliSettings, Settings  # noqa: E402


def settings_table() -> str:
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    seen: set[str] = set()
    for model in (Settings, CliSettings):
        for name, field in model.model_fields.items():
            if name in seen:
                continue
            seen.add(name)
            default = field.default if field.default is not PydanticUndefined else field.default_factory()  # type: ignore[misc,call-arg]
            rows.append(f"| `BUTLER_{name.upper()}` | {_shown(default)} | {field.description} |")
    return "\n".join(rows)


def routes_table(app: object) -> str:
    rows = ["| request | what it does |", "|---|---|"]
    for path, methods in app.openapi()["paths"].items():  # type: ignore[attr-defined]
        rows += [f"| `{method.upper()} {path}` | {what.get('summary', '')} |" for method, what in methods.items()]
    return "\n".join(rows)


TABLES = {
    "README.md": ("settings", lambda app: settings_table()),
    "docs/api.md": ("routes", routes_table),
}


def _shown(default: object) -> str:
    if default is None or default == "" or default == () or default == {}:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _with_table(text: str, name: str, table: str) -> str:
    pattern = rf"(<!-- {name}: written by [^>]*-->\n).*?(<!-- end of {name} -->)"
    return re.sub(pattern, lambda found: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)


def test_the_tables_in_the_documents_are_those_of_the_code(tmp_path: Path) -> None:
    app = create_app(Settings(_env_file=None, data_dir=tmp_path))
    for name, (marker, table) in TABLES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert f"<!-- {marker}:" in text, name
        assert _with_table(text, marker, table(app)) == text, f"{name} is out of date: run `python tests/test_docs.py`"


def test_every_kind_of_failure_is_documented_and_no_other() -> None:
    text = (ROOT / "docs/failures.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == {str(code) for code in Code}


def test_every_strategy_is_documented_in_its_order() -> None:
    text = (ROOT / "docs/strategies.md").read_text(encoding="utf-8")
    assert re.findall(r"^## `([a-z0-9_]+)`", text, re.MULTILINE) == [strategy.NAME for strategy in STRATEGIES]


def test_the_dashboard_offers_every_builder_there_is() -> None:
    text = (ROOT / "frontend/src/js/components/plan_view.js").read_text(encoding="utf-8")
    offered = re.search(r"BUILDERS =\s*'([^']+)'", text)
    assert offered and set(offered[1].split()) == {strategy.NAME for strategy in STRATEGIES} - {"monorepo"}


def test_links_between_the_documents_lead_somewhere() -> None:
    for document in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_what_the_readme_tells_to_type_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    words = set(re.findall(r"^\.\/butler +([a-z-]+)", text, re.MULTILINE))
    script = (ROOT / "butler").read_text(encoding="utf-8") + (ROOT / "butler_cli.py").read_text(encoding="utf-8")
    assert words
    assert [word for word in sorted(words) if word not in script] == []


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        application = create_app(Settings(_env_file=None, data_dir=Path(folder)))
        for name, (marker, table) in TABLES.items():
            path = ROOT / name
            path.write_text(_with_table(path.read_text(encoding="utf-8"), marker, table(application)), encoding="utf-8")
