"""How a Node.js application is started and where it listens: from scripts, `main` and the files themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from workspace import commands, node_facts, procfile
from workspace.facts import Fact, table
from workspace.tree import Workspace

_DEV_SERVER = re.compile(
    r"\b(vite(?!\s+build)(?!-)|ng\s+serve|react-scripts\s+start|vue-cli-service\s+serve|astro\s+(dev|preview|start)"
    r"|next\s+dev|nuxi?\s+dev|gatsby\s+(develop|serve)|docusaurus\s+(start|serve)|eleventy\b.*--serve|expo\s+start"
    r"|parcel(?!\s+build)\b|umi\s+dev|browser-sync|live-server|webpack(-dev-server|\s+serve)|react-app-rewired\s+start"
    r"|craco\s+start|preact\s+watch|stencil\s+build.*--serve|ember\s+s(erve)?|vitepress\s+(dev|serve|preview)"
    r"|nest\s+start|nx\s+(serve|dev)|turbo\s+(run\s+)?dev|lerna\s+run\s+dev|nodemon|ts-node-dev|tsx\s+watch|node\s+--watch|remix\s+(vite:)?dev|rspack\s+(serve|dev)|brunch\s+watch|polymer\s+serve|sanity\s+(start|dev)|sapper\s+dev|vuepress\s+dev|docusaurus-start|blitz\s+dev|(?:rw|redwood)\s+dev|mastra\s+dev|quasar\s+dev|gridsome\s+develop|vinxi\s+dev|react-router\s+dev|gulp\s+(serve|watch)|grunt\s+serve|vike\s+dev|solid-start\s+dev|expo\s+(web|r|run)|slidev(?!\s+(build|export))|rsbuild\s+(dev|preview)|ionic\s+serve|hexo\s+server|storybook)\b"
)
_WATCHERS = re.compile(r"\b(?:browser-sync|webpack-dev-server|live-server|livereload)\b")
_BARE_DEV = re.compile(r"^[ \t]*(?:npx\s+)?(?:next|nuxt|nuxi)\s*$")
_OTHER_SCRIPT = re.compile(r"^[ \t]*(?:npm\s+run|yarn(?:\s+run)?|pnpm(?:\s+run)?|bun\s+run)\s+([\w:.-]+)\s*$")
_WATCHED = re.compile(r"^[ \t]*(?:npx\s+)?(?:nodemon|node\s+--watch)\s+([\w./-]+)\s*$")
_FILE_SERVER = re.compile(r"^[ \t]*(npx\s+)?(serve|http-server|sirv|sirv-cli|live-server|browser-sync)\b")
_OTHER_STARTS = ("start:prod", "start:production", "serve:prod", "prod", "production", "start-prod", "serve")
_NAMES = ("server", "app", "index", "main")
_SUFFIXES = (".js", ".mjs", ".cjs")
_LISTENS = re.compile(
    r"\.listen\s*\(|createServer\s*\(|\bserve\s*\(|Bun\.serve|Deno\.serve|\.start\s*\(|startStandaloneServer"
)
_ENV_PORT = re.compile(r"(?:env\.PORT|env\[['\"]PORT['\"]\])\s*\)?\s*(?:\|\||\?\?|,)\s*['\"]?(\d{2,5})\b")
_FIXED_PORT = re.compile(
    r"\.listen\(\s*['\"]?(\d{2,5})\b|\bport\s*[:=]\s*['\"]?(\d{2,5})\b|\.listen\(\s*\{[^}]*\bport\s*:\s*(\d{2,5})",
    re.IGNORECASE,
)
_LOOPBACK = re.compile(
    r"\blisten\s*\([^)]{0,120}['\"](?:127\.0\.0\.1|localhost)['\"]|hostname\s*[:=]\s*['\"](?:127\.0\.0\.1|localhost)"
)
_SOURCE = re.compile(r"\.(?:[cm]?js|ts|mts|cts)$")
_TESTS = re.compile(
    r"(^|/)(tests?|__tests__|spec|cypress|e2e|docs|examples?|fixtures|public|static|dist|build)/|\.(test|spec|config|d)\."
)
_SOURCE_LIMIT = 120
_PROGRAMS = {
    "typescript": "tsc",
    "@nestjs/cli": "nest",
    "@angular/cli": "ng",
    "dotenv-cli": "dotenv",
    "npm-run-all": "run-s",
}


@dataclass(frozen=True)
class Start:
    """A start command, where it was found, and the dev server that was passed over for it."""

    command: str
    source: str
    ignored: str | None = None

    @property
    def fact(self) -> Fact:
        """The command as a fact."""
        return Fact(self.command, self.source)


def is_dev_server(command: str, scripts: Mapping[str, str] | None = None) -> bool:
    """Whether a script starts a development server rather than an application, also through another script."""
    other = _OTHER_SCRIPT.match(re.split(r"&&|;", command)[-1])
    text = (scripts or {}).get(other[1], command) if other else command
    return _DEV_SERVER.search(text) is not None or _BARE_DEV.match(text) is not None


def serves_files_only(command: str, scripts: Mapping[str, str] | None = None) -> bool:
    """Whether a script does no more than (build and) serve files, which our own server does as well."""
    last = re.split(r"&&|;", command)[-1]
    other = _OTHER_SCRIPT.match(last)
    if other and (scripts or {}).get(other[1], command) != command:
        return serves_files_only((scripts or {})[other[1]])
    command = last if _FILE_SERVER.search(last) else command
    return _FILE_SERVER.search(command) is not None or re.search(r"\bvite\s+preview\b", command) is not None


def find_start(workspace: Workspace, run: str = "npm run", usual: str | None = None) -> Start | None:
    """How the application is started: Procfile, scripts, `usual` (its framework's way), `main`, usual file names."""
    scripts = node_facts.scripts(workspace)
    web = procfile.processes(workspace).get("web")
    if web:
        return Start(web, "web in Procfile")
    start = scripts.get("start", "").strip()
    if start and not is_dev_server(start, scripts) and not _runs_a_watcher(workspace, start):
        return Start(*_script(scripts, "start", run))
    ignored = f"scripts.start in package.json ({start})" if start else None
    watched = _WATCHED.match(start)
    if watched:
        return Start(f"node {watched[1]}", "scripts.start in package.json, without its watcher", ignored)
    for name in _OTHER_STARTS:
        if scripts.get(name, "").strip() and not is_dev_server(scripts[name], scripts):
            return Start(*_script(scripts, name, run), ignored)
    if usual:
        return Start(usual, "the framework's usual command", ignored)
    file = _main_file(workspace) or _usual_file(workspace)
    if file is not None:
        return Start(_command_for(file.value), file.source, ignored)
    worker = procfile.processes(workspace).get("worker")
    return Start(worker, "worker in Procfile", ignored) if worker else None


def _runs_a_watcher(workspace: Workspace, start: str) -> bool:
    """Whether the start script runs a program of the repository's own that only drives a development server."""
    files = [word.removeprefix("./") for word in commands.words(start) if word.endswith(_SUFFIXES)]
    return any(
        _WATCHERS.search(workspace.read_text(path, 20_000) or "") for path in files[:4] if not path.startswith("-")
    )


def _script(scripts: dict[str, str], name: str, run: str) -> tuple[str, str]:
    """A script's own command where nothing but its text matters, else through the package manager."""
    text = scripts[name].strip()
    simple = not re.search(r"\b(npm|yarn|pnpm|npx|bun|bunx|run-s|run-p|concurrently|turbo|nx|lerna)\b|npm_|\n", text)
    hooks = f"pre{name}" in scripts or f"post{name}" in scripts
    return (text if simple and not hooks else f"{run} {name}"), f"scripts.{name} in package.json"


def _main_file(workspace: Workspace) -> Fact | None:
    main = table(workspace.json("package.json")).get("main")
    if not isinstance(main, str) or not re.fullmatch(r"[\w@./-]+", main) or ".." in main:
        return None
    main = main.removeprefix("./").strip("/")
    for path in (main, *(f"{main}{suffix}" for suffix in _SUFFIXES), f"{main}/index.js"):
        if workspace.exists(path) and path.endswith((*_SUFFIXES, ".ts")):
            return Fact(path, "main in package.json")
    built = main.split("/")[0] in ("dist", "build", "lib", "out") and "build" in node_facts.scripts(workspace)
    return Fact(main, "main in package.json (written by the build)") if built and main.endswith(_SUFFIXES) else None


def _usual_file(workspace: Workspace) -> Fact | None:
    for folder in ("", "src/", "server/"):
        for name in _NAMES:
            for suffix in _SUFFIXES:
                if workspace.exists(f"{folder}{name}{suffix}"):
                    return Fact(f"{folder}{name}{suffix}", "a file of a usual name")
    return _typescript_file(workspace)


def _typescript_file(workspace: Workspace) -> Fact | None:
    path = next((f"{d}{n}.ts" for d in ("", "src/", "server/") for n in _NAMES if workspace.exists(f"{d}{n}.ts")), None)
    if path is None or not serves(workspace.read_text(path) or ""):
        return None
    options = table(table(workspace.json("tsconfig.json")).get("compilerOptions"))
    out = options.get("outDir")
    if "build" in node_facts.scripts(workspace) and isinstance(out, str) and re.fullmatch(r"(\./)?[\w-]+/?", out):
        folder = out.removeprefix("./").strip("/")
        stem = path.removesuffix(".ts")
        inner = stem if options.get("rootDir") in (".", "./") else stem.removeprefix("src/")
        return Fact(f"{folder}/{inner}.js", "outDir in tsconfig.json")
    return Fact(path, "a file of a usual name")


def serves(text: str) -> bool:
    """Whether a source starts to listen, as far as a pattern tells."""
    return _LISTENS.search(text) is not None


def _command_for(file: str) -> str:
    return f"tsx {file}" if file.endswith((".ts", ".mts", ".cts")) else f"node {file}"


@dataclass(frozen=True)
class Listening:
    """What the sources say about listening: whether at all (None without sources), where, and whether on loopback."""

    listens: bool | None
    port: Fact | None
    loopback: str | None


def listening(workspace: Workspace, start: str) -> Listening:
    """Where the application listens, as far as its start command and its sources tell."""
    paths = sources(workspace, start)
    texts = [(path, workspace.read_text(path, 200_000) or "") for path in paths]
    literal = commands.port(_script_text(workspace, start))
    found = Fact(str(literal), "the start command") if literal else _port_in(texts)
    loopback = next((path for path, text in texts if _LOOPBACK.search(text)), None)
    listens = literal is not None or any(serves(text) for _, text in texts)
    return Listening(listens if texts or literal else None, found, loopback)


def _script_text(workspace: Workspace, start: str) -> str:
    name = re.fullmatch(r"\w+ run ([\w:-]+)", start)
    return node_facts.scripts(workspace).get(name[1], start) if name else start


def _port_in(texts: list[tuple[str, str]]) -> Fact | None:
    for pattern in (_ENV_PORT, _FIXED_PORT):
        for path, text in texts:
            if pattern is _FIXED_PORT and not serves(text):
                continue
            found = pattern.search(text)
            number = next((group for group in found.groups() if group), "") if found else ""
            if found and 0 < int(number) < 65536:
                return Fact(number, f"{path}:{text.count(chr(10), 0, found.start()) + 1}")
    return None


def sources(workspace: Workspace, start: str) -> list[str]:
    """The entry file first, then the other sources, the ones near the root before the deep ones."""
    named = [word.removeprefix("./") for word in commands.words(_script_text(workspace, start))]
    candidates = [path for word in named for path in (word, f"{word}.js", f"{word}/index.js")]
    entries = [path for path in candidates if workspace.exists(path) and (_SOURCE.search(path) or "." not in path)]
    others = [path for path in workspace.files() if _SOURCE.search(path) and not _TESTS.search(path)]
    others = [path for path in others if not path.startswith(".") and "/." not in path]
    bin_files = [path for path in ("bin/www", "bin/server") if workspace.exists(path)]
    rank = {f"{folder}{name}": n for n, (folder, name) in enumerate((d, s) for d in ("", "src/") for s in _NAMES)}
    others.sort(key=lambda path: (path.count("/"), rank.get(path.rpartition(".")[0], 99), path))
    return list(dict.fromkeys([*entries, *bin_files, *others]))[:_SOURCE_LIMIT]


def development_tools_at_run(workspace: Workspace, start: str) -> str | None:
    """A development dependency that the running application uses; then nothing may be removed after the build."""
    packages = node_facts.development_dependencies(workspace)
    if not packages:
        return None
    text = _script_text(workspace, start)
    for name in packages:
        program = _PROGRAMS.get(name, name)
        if re.search(rf"(?<![\w@/.-]){re.escape(program)}(?![\w-])", text):
            return f"{name} in the start command"
    pattern = re.compile(r"(?:from|import|require\()\s*\(?['\"](@[\w.-]+/[\w.-]+|[\w.-]+)")
    for path in sources(workspace, start):
        for name in pattern.findall(workspace.read_text(path, 200_000) or ""):
            if name in packages:
                return f"{name} in {path}"
    return None
