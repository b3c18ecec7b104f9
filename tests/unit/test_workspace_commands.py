"""Reading shell commands and Procfiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from workspace import commands, open_folder, procfile


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("node server.js", "exec node server.js"),
        ("gunicorn 'm:create_app()' -b 0.0.0.0:$PORT", "exec gunicorn 'm:create_app()' -b 0.0.0.0:$PORT"),
        ("migrate && serve it", "migrate && exec serve it"),
        ("cd web && node y.js", "cd web && exec node y.js"),
        ("A=b node s.js", "exec env A=b node s.js"),
        ("node a | tee b", "node a | tee b"),
        ("a; b", "a; b"),
        ('node -e "a && b"', 'node -e "a && b"'),
        ("cd web", "cd web"),
        ("node 'it", "node 'it"),
        ("echo `x`", "echo `x`"),
    ],
)
def test_the_last_program_takes_the_place_of_the_shell_where_it_can(command: str, result: str) -> None:
    assert commands.executable(command) == result


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("next start -p 4000", 4000),
        ("vite preview --port=5000", 5000),
        ("gunicorn app:app --bind 0.0.0.0:8000", 8000),
        ("gunicorn -b :9000 app:app", 9000),
        ("PORT=3333 node s.js", 3333),
        ("python manage.py runserver 0.0.0.0:8001", 8001),
        ("streamlit run a.py --server.port 8502", 8502),
        ("uvicorn a:b --port ${PORT:-8123}", 8123),
        ("gunicorn --bind :$PORT app:app", None),
        ("node server.js", None),
    ],
)
def test_a_literal_port_is_found(command: str, port: int | None) -> None:
    assert commands.port(command) == port


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("NODE_ENV=x cross-env A=b node s.js", ("cross-env", "node")),
        ("npx tsx a.ts && node b.js", ("npx", "tsx", "node")),
        ("python manage.py migrate && gunicorn x", ("python", "gunicorn")),
    ],
)
def test_programs_are_told_from_their_wrappers(command: str, found: tuple[str, ...]) -> None:
    assert commands.programs(command) == found


def test_loopback_is_seen_in_a_command() -> None:
    assert commands.binds_loopback("uvicorn a:b --host 127.0.0.1")
    assert commands.binds_loopback("gunicorn -b localhost:8000 a")
    assert not commands.binds_loopback("uvicorn a:b --host 0.0.0.0")


def test_a_procfile_is_read_past_its_junk(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text(
        "# web: no\n<<<<<<< HEAD\nweb:   node s.js  # the site\nworker: a\nweb: second\n\r\nbad name: x\n"
    )
    assert procfile.processes(open_folder(tmp_path)) == {"web": "node s.js", "worker": "a"}
