"""Application objects found in Python sources by reading their syntax trees; nothing is imported or run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from workspace.facts import Fact
from workspace.tree import Workspace

CONSTRUCTORS = {
    "FastAPI": "fastapi",
    "Starlette": "starlette",
    "FastHTML": "fasthtml",
    "fast_app": "fasthtml",
    "Litestar": "litestar",
    "Quart": "quart",
    "Flask": "flask",
    "APIFlask": "flask",
    "Connexion": "flask",
    "Sanic": "sanic",
    "Bottle": "bottle",
}
_FACTORIES = ("create_app", "make_app", "build_app", "app_factory", "get_app", "create_application")
_FILE_NAMES = ("app", "main", "wsgi", "asgi", "server", "api", "run", "application", "index", "hello", "__init__")
_VARIABLES = ("app", "application", "api", "server", "asgi", "asgi_app")
_SKIPPED = re.compile(
    r"(^|/)(tests?|test_[^/]*|[^/]*_test\.py|conftest\.py|docs?|examples?|scripts|migrations|alembic|venv|env|site-packages|setup\.py|build)(/|$|\.py$)"
)
_FILE_LIMIT = 150
_FILE_BYTES = 200_000


@dataclass(frozen=True)
class PythonApp:
    """An application object: `module:variable`, or a function that makes one, seen from `folder`."""

    framework: str
    folder: str
    module: str
    variable: str
    is_factory: bool
    path: str
    line: int

    @property
    def fact(self) -> Fact:
        """Where the object was found."""
        return Fact(f"{self.module}:{self.variable}", f"{self.path}:{self.line}")


def find_app(workspace: Workspace, *frameworks: str) -> PythonApp | None:
    """The most likely application object of these frameworks; FLASK_APP in .flaskenv decides among several."""
    found = [app for path in sources(workspace) for app in _apps_in(workspace, path) if app.framework in frameworks]
    named = re.search(
        r"^[ \t]*(?:export\s+)?FLASK_APP\s*=\s*['\"]?([\w./]+)", workspace.read_text(".flaskenv") or "", re.MULTILINE
    )
    if named:
        module = named[1].removesuffix(".py").strip("./").replace("/", ".")
        found = [app for app in found if app.module == module] or found
    return min(found, key=_rank, default=None)


def sources(workspace: Workspace) -> list[str]:
    """The Python files that may hold the application, the likely ones first."""
    paths = [path for path in workspace.files() if path.endswith(".py") and not _SKIPPED.search(path)]
    paths.sort(key=lambda path: (path.count("/"), _place(path, _FILE_NAMES), path))
    return paths[:_FILE_LIMIT]


def syntax(workspace: Workspace, path: str) -> ast.Module | None:
    """A file's syntax tree; None where it has none (Python 2, templates, nonsense)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(workspace.read_text(path, _FILE_BYTES) or "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def imports(workspace: Workspace, path: str) -> set[str]:
    """The first parts of the names of what a file imports."""
    tree = syntax(workspace, path)
    return set() if tree is None else {name.split(".")[0] for name in _imported(tree)}


def functions(workspace: Workspace, path: str) -> list[tuple[str, int, int]]:
    """The functions at a file's top level that are no private ones: name, line, and how many arguments they need."""
    tree = syntax(workspace, path)
    found = [node for node in (tree.body if tree else []) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        (node.name, node.lineno, len(node.args.posonlyargs) + len(node.args.args) - len(node.args.defaults))
        for node in found
        if not node.name.startswith("_")
    ]


def literal_port(workspace: Workspace, path: str) -> Fact | None:
    """The port that a file's code names: `port=8080`, `("", 8080)`, `getenv("PORT", 8080)`."""
    tree = syntax(workspace, path)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call):
            number = _port_in_call(node)
            if number:
                return Fact(str(number), f"{path}:{node.lineno}")
        elif isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id.lower() == "port" for t in node.targets
        ):
            number = _number(node.value)
            if number:
                return Fact(str(number), f"{path}:{node.lineno}")
    return None


def _apps_in(workspace: Workspace, path: str) -> Iterator[PythonApp]:
    text = workspace.read_text(path, _FILE_BYTES) or ""
    if not any(name in text for name in (*CONSTRUCTORS, *_FACTORIES)):
        return
    tree = syntax(workspace, path)
    if tree is None:
        return
    folder, module = _module_of(workspace, path, tree)
    for node in _top_level(tree.body):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            framework = _framework_of(workspace, node.value, tree)
            for target in targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                if framework and isinstance(names[0], ast.Name):
                    yield PythonApp(framework, folder, module, names[0].id, False, path, node.lineno)
        elif isinstance(node, ast.FunctionDef) and not _required_arguments(node):
            framework = _made_by(node)
            if framework and (node.name in _FACTORIES or node.name.endswith("_app")):
                yield PythonApp(framework, folder, module, node.name, True, path, node.lineno)


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run on import, those in `if` and `try` included, apart from `if __name__ == "__main__"`."""
    for node in body:
        if isinstance(node, ast.If):
            if "__name__" not in ast.dump(node.test):
                yield from _top_level([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _top_level([*node.body, *node.orelse])
        elif isinstance(node, ast.With):
            yield from _top_level(node.body)
        else:
            yield node


def _called(call: ast.Call) -> str:
    target = call.func
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def _framework_of(workspace: Workspace, call: ast.Call, tree: ast.Module) -> str | None:
    name = _called(call)
    if name in CONSTRUCTORS:
        return CONSTRUCTORS[name]
    return _factory_framework(workspace, name, tree) if name in _FACTORIES else None


def _factory_framework(workspace: Workspace, name: str, tree: ast.Module) -> str | None:
    """The framework of `app = create_app()`: the function is in this file or in one of the repository's others."""
    for candidate in (
        tree,
        *(syntax(workspace, path) for path in sources(workspace) if name in (workspace.read_text(path) or "")),
    ):
        for node in candidate.body if candidate else ():
            if isinstance(node, ast.FunctionDef) and node.name == name:
                framework = _made_by(node)
                if framework:
                    return framework
    return None


def _made_by(function: ast.FunctionDef) -> str | None:
    calls = (_called(node) for node in ast.walk(function) if isinstance(node, ast.Call))
    return next((CONSTRUCTORS[name] for name in calls if name in CONSTRUCTORS), None)


def _required_arguments(function: ast.FunctionDef) -> int:
    given = function.args
    missing_keywords = sum(default is None for default in given.kw_defaults)
    return len(given.posonlyargs) + len(given.args) - len(given.defaults) + missing_keywords


def _module_of(workspace: Workspace, path: str, tree: ast.Module) -> tuple[str, str]:
    """The folder to run from and the dotted name there.

    It is the root unless the file lies in `src`, or imports its neighbours by their bare names.
    """
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__" and len(parts) > 1:
        parts = parts[:-1]
    depth = 1 if len(parts) > 1 and parts[0] == "src" and not workspace.exists("src/__init__.py") else 0
    for level in range(depth, len(parts) - 1):
        inner = "/".join(parts[: level + 1])
        if any(
            _is_module(workspace, inner, name) and not _is_module(workspace, "/".join(parts[:depth]), name)
            for name in _imported(tree)
        ):
            depth = level + 1
            break
    return "/".join(parts[:depth]), ".".join(parts[depth:])


def _is_module(workspace: Workspace, folder: str, name: str) -> bool:
    place = f"{folder}/{name.split('.')[0]}".lstrip("/")
    return workspace.exists(f"{place}.py") or workspace.exists(f"{place}/__init__.py") or workspace.is_dir(place)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _rank(app: PythonApp) -> tuple[int, int, int, int, str]:
    file = app.path.rpartition("/")[2].removesuffix(".py")
    return (
        app.is_factory,
        app.path.count("/"),
        _place(f"{file}.py", _FILE_NAMES),
        _order(app.variable, _VARIABLES),
        app.path,
    )


def _place(path: str, names: tuple[str, ...]) -> int:
    return _order(path.rpartition("/")[2].removesuffix(".py"), names)


def _order(name: str, names: tuple[str, ...]) -> int:
    return names.index(name) if name in names else len(names)


def _port_in_call(call: ast.Call) -> int | None:
    for keyword in call.keywords:
        if keyword.arg in ("port", "server_port"):
            return _number(keyword.value)
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Tuple) and len(first.elts) == 2 and isinstance(first.elts[0], ast.Constant):
        return _number(first.elts[1]) if isinstance(first.elts[0].value, str) else None
    is_environment = _called(call) in ("getenv", "get") and isinstance(first, ast.Constant) and first.value == "PORT"
    return _number(call.args[1]) if is_environment and len(call.args) > 1 else None


def _number(node: ast.expr) -> int | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | str):
        text = str(node.value)
        return int(text) if re.fullmatch(r"[1-9]\d{1,4}", text) and int(text) < 65536 else None
    if isinstance(node, ast.Call):
        if _called(node) == "int" and node.args:
            return _number(node.args[0])
        return _port_in_call(node)
    if isinstance(node, ast.BoolOp):
        return next((number for value in node.values if (number := _number(value))), None)
    return None
