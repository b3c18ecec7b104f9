"""Any other Python program: Streamlit, Gradio, a script that listens by itself, or one that only works."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dockerfile_templates import templates
from dockerfile_templates.python_basis import PROGRAMS, is_application, procfile_start, python_basis
from domain import Evidence, Kind, Plan
from workspace import Workspace, commands, procfile, python_apps, python_facts
from workspace.facts import Fact, table, text_table

NAME = "python"
DEFAULT_PORT = 8000

_STREAMLIT_NAMES = ("streamlit_app.py", "Home.py", "Hello.py", "app.py", "main.py")
_WEB_IMPORTS = {
    "http": 8000,
    "socketserver": 8000,
    "wsgiref": 8000,
    "aiohttp": 8080,
    "tornado": 8888,
    "bottle": 8080,
    "sanic": 8000,
    "cherrypy": 8080,
    "dash": 8050,
    "nicegui": 8080,
    "falcon": 8000,
    "flask": 5000,
    "uvicorn": 8000,
    "waitress": 8080,
    "robyn": 8080,
}
_LISTENS = re.compile(r"serve_forever|\.run\(|run_app\(|\.listen\(|make_server|\bserve\(|\.bind\(|ui\.run|quickstart\(")


@dataclass(frozen=True)
class _Program:
    framework: str | None
    start: Fact
    port: Fact | None
    build: str = ""


def matches(workspace: Workspace) -> bool:
    """Whether a program to start is to be found."""
    return is_application(workspace) and _program(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Install and start; without any sign of listening it is judged by staying up."""
    program = _program(workspace)
    assert program is not None, "plan() follows matches()"  # noqa: S101
    needed = (program.framework,) if program.framework in ("streamlit", "gradio") else ()
    basis = python_basis(workspace, program.start.value, needed=needed)
    facts = {"strategy": Fact(NAME, program.start.source), "start": program.start}
    if program.framework:
        facts["framework"] = Fact(program.framework, program.start.source)
    if program.port:
        facts["port"] = program.port
    build = (Evidence("build", program.build, "project.scripts in pyproject.toml"),) if program.build else ()
    return Plan(
        strategy=NAME,
        kind=Kind.PYTHON,
        framework=program.framework,
        language="python",
        version=basis.version,
        package_manager=basis.installer,
        install=basis.install,
        build=program.build or None,
        start=program.start.value,
        port=int(program.port.value) if program.port else None,
        expects_http=program.port is not None,
        dockerfile=templates.dockerfile(NAME),
        build_args={
            **basis.build_args,
            "BUILD": program.build,
            "BUTLER_PORT": program.port.value if program.port else str(DEFAULT_PORT),
        },
        evidence=(*(fact.evidence(field) for field, fact in facts.items()), *build, *basis.evidence),
        warnings=basis.warnings,
    )


def _program(workspace: Workspace) -> _Program | None:
    written = procfile_start(workspace)
    if written:
        return _Program(None, written, _procfile_port(workspace, written))
    found = (
        _function(workspace)
        or _streamlit(workspace)
        or _gradio(workspace)
        or _script(workspace)
        or _console_script(workspace)
    )
    worker = procfile.processes(workspace).get("worker")
    return found or (_Program(None, Fact(worker, "worker in Procfile"), None) if worker else None)


def _function(workspace: Workspace) -> _Program | None:
    """Google's Functions Framework: the function that project.toml names, else the only one that takes a request."""
    path = "main.py"
    if "functions-framework" not in python_facts.dependencies(workspace) or not workspace.exists(path):
        return None
    named = re.search(
        r"GOOGLE_FUNCTION_TARGET[\"']?\s{0,40}(?:value)?\s{0,20}=\s{0,20}[\"']([A-Za-z_]\w*)",
        workspace.read_text("project.toml") or "",
    )
    functions = [(name, line) for name, line, arguments in python_apps.functions(workspace, path) if arguments == 1]
    if not named and not functions:
        return None
    target = (
        Fact(named[1], "GOOGLE_FUNCTION_TARGET in project.toml")
        if named
        else Fact(functions[0][0], f"{path}:{functions[0][1]}")
    )
    start = Fact(f"functions-framework --target {target.value} --port $PORT", target.source)
    return _Program("functions-framework", start, Fact("8080", "usual for functions-framework"))


def _procfile_port(workspace: Workspace, written: Fact) -> Fact | None:
    """A web process listens on PORT by the Procfile's contract, unless its program shows that it never does."""
    literal = commands.port(written.value)
    if literal:
        return Fact(str(literal), written.source)
    program = re.match(r"\s*python3? (?:-u )?([\w./-]+\.py)\b", written.value.rpartition("&&")[2])
    if program and workspace.exists(program[1]):
        return _port(workspace, program[1])
    if set(commands.programs(written.value)) <= {"true", "false", "echo", "printf", "sleep", "exit", ":"}:
        return None
    return Fact(str(DEFAULT_PORT), "default: PORT is set to it")


def _streamlit(workspace: Workspace) -> _Program | None:
    path = _importer(workspace, "streamlit", _STREAMLIT_NAMES)
    if path is None:
        return None
    options = "--server.address 0.0.0.0 --server.port $PORT --server.headless true"
    start = Fact(f"streamlit run {path} {options}", f"import of streamlit in {path}")
    return _Program("streamlit", start, Fact("8501", "usual for Streamlit"))


def _gradio(workspace: Workspace) -> _Program | None:
    path = _importer(workspace, "gradio", ("app.py", "run.py", "main.py", "demo.py"))
    if path is None or ".launch(" not in (workspace.read_text(path) or ""):
        return None
    port = python_apps.literal_port(workspace, path) or Fact("7860", "usual for Gradio")
    return _Program("gradio", Fact(f"python {path}", f"import of gradio in {path}"), port)


def _script(workspace: Workspace) -> _Program | None:
    """The program of a usual name that starts something, at the root or in src; else a package's __main__.py."""
    for folder in ("", "src/"):
        for name in PROGRAMS:
            path = f"{folder}{name}"
            if name != "manage.py" and (workspace.read_text(path) or "").strip():
                return _Program(None, Fact(f"python {path}", "a file of a usual name"), _port(workspace, path))
    if _is_library(workspace):
        return None
    for path in workspace.glob("*/__main__.py") + workspace.glob("src/*/__main__.py"):
        package = path.split("/")[-2]
        prefix = "env PYTHONPATH=src " if path.startswith("src/") else ""
        return _Program(None, Fact(f"{prefix}python -m {package}", path), _port(workspace, path))
    return None


def _is_library(workspace: Workspace) -> bool:
    """Whether the package calls itself a tool for developers, whose `__main__` starts no application."""
    text = "".join(workspace.read_text(name, 100_000) or "" for name in ("pyproject.toml", "setup.cfg", "setup.py"))
    return "Topic :: Software Development :: Libraries" in text


def _console_script(workspace: Workspace) -> _Program | None:
    """The only entry of `[project.scripts]`; the project itself must be installed for it."""
    project = table(table(workspace.toml("pyproject.toml")).get("project"))
    names = [name for name in text_table(project.get("scripts")) if re.fullmatch(r"[\w.-]+", name)]
    if len(names) != 1 or _is_library(workspace) or not table(workspace.toml("pyproject.toml")).get("build-system"):
        return None
    module = text_table(project.get("scripts"))[names[0]].split(":")[0].replace(".", "/")
    path = next(
        (
            p
            for p in (f"{module}.py", f"src/{module}.py", f"{module}/__init__.py", f"src/{module}/__init__.py")
            if workspace.exists(p)
        ),
        "",
    )
    start = Fact(names[0], "project.scripts in pyproject.toml")
    return _Program(None, start, _port(workspace, path) if path else None, "python -m pip install --no-deps .")


def _importer(workspace: Workspace, module: str, names: tuple[str, ...]) -> str | None:
    paths = [path for path in python_apps.sources(workspace) if module in (workspace.read_text(path, 200_000) or "")]
    paths.sort(key=lambda path: (path.count("/"), names.index(path) if path in names else len(names), path))
    return next((path for path in paths if module in python_apps.imports(workspace, path)), None)


def _port(workspace: Workspace, path: str) -> Fact | None:
    """The port that the program names or that its library usually takes; None without any sign of listening."""
    imported = python_apps.imports(workspace, path)
    known = next((name for name in _WEB_IMPORTS if name in imported), None)
    literal = python_apps.literal_port(workspace, path)
    listens = _LISTENS.search(workspace.read_text(path, 200_000) or "") is not None
    if literal and (listens or known):
        return literal
    if known and listens:
        return Fact(str(_WEB_IMPORTS[known]), f"usual for {known}, which {path} imports")
    return None
