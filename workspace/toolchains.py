"""What repositories in Go, Rust, Java, PHP, Ruby, Deno, .NET and Elixir say of their package manager and version."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import nodesemver  # type: ignore[import-untyped]

from domain import PlanWarning
from workspace.facts import Fact, table, text_table
from workspace.tree import Workspace


@dataclass(frozen=True)
class Toolchain:
    """How a repository's language is built: its package manager, the version to use, and what is to be said of it."""

    language: str
    manager: Fact
    version: Fact
    warnings: tuple[PlanWarning, ...] = ()


GO_VERSIONS = tuple(f"1.{minor}" for minor in range(26, 12, -1))
JAVA_VERSIONS = ("25", "21", "17", "11", "8")
PHP_VERSIONS = ("8.5", "8.4", "8.3", "8.2", "8.1", "8.0", "7.4")
RUBY_VERSIONS = ("4.0", "3.4", "3.3", "3.2", "3.1", "3.0", "2.7")
DOTNET_VERSIONS = ("10.0", "9.0", "8.0", "7.0", "6.0")
_NEWEST = ("latest", "stable", "lts")
ELIXIR_VERSIONS = tuple(f"1.{minor}" for minor in range(19, 11, -1))


def go(workspace: Workspace) -> Toolchain | None:
    """go.mod, go.work or Go sources at the root."""
    manifest = _first_file(workspace, "go.mod", "go.work")
    source = manifest or next(iter(workspace.glob("*.go") + workspace.glob("cmd/*/*.go")), None)
    if source is None:
        return None
    asked = (
        workspace.told.get("version")
        or _searched(workspace, r"^go\s+(\d+\.\d+(?:\.\d+)?)", "go.mod", "go.work", label="go")
        or _asked(workspace, "go", ".go-version", "golang", "go")
    )
    version, warnings = _chosen("Go", asked, GO_VERSIONS, "1.24")
    return Toolchain("go", Fact("go", source), version, warnings)


def rust(workspace: Workspace) -> Toolchain | None:
    """Cargo.toml."""
    manifest = workspace.toml("Cargo.toml")
    if manifest is None:
        return None
    asked = (
        workspace.told.get("version") or _rust_channel(workspace) or _asked(workspace, "rust", ".rust-version", "rust")
    )
    package = text_table(table(manifest.get("package")))
    if asked is None and package.get("rust-version"):
        asked = Fact(package["rust-version"], "package.rust-version in Cargo.toml")
    manager = Fact("cargo", "Cargo.toml")
    if asked is None:
        return Toolchain("rust", manager, Fact("1", "default: the repository names no version"))
    exact = re.match(r"^v?(\d+\.\d+(?:\.\d+)?)", asked.value)
    source = f"{asked.source} ({asked.value})"
    if exact:
        return Toolchain("rust", manager, Fact(exact[1], source))
    is_newest = asked.value.startswith("stable") or asked.value in _NEWEST
    warnings = () if is_newest else (_unavailable("Rust", asked, "1 (stable)", ("1",)),)
    return Toolchain("rust", manager, Fact("1", source), warnings)


def java(workspace: Workspace) -> Toolchain | None:
    """pom.xml or a Gradle build."""
    manifest = _first_file(workspace, "pom.xml", "build.gradle.kts", "build.gradle", "settings.gradle.kts", "gradlew")
    if manifest is None:
        return None
    asked = workspace.told.get("version") or (
        _searched(workspace, r"^[ \t]*java\.runtime\.version\s*=\s*(\S+)", "system.properties", label="java.runtime.version")
        or _asked(workspace, "java", ".java-version", "java")
        or _searched(workspace, r"<(?:maven\.compiler\.release|java\.version|release|maven\.compiler\.target"
                     r"|maven\.compiler\.source|source)>\s*([\d.]+)\s*<", "pom.xml", label="the compiler's release")
        or _searched(
            workspace,
            r"(?:JavaLanguageVersion\.of\(|jvmToolchain\(|(?:source|target)Compatibility\s*=\s*(?:JavaVersion\.VERSION_)?)"
            r"['\"]?(?:1[._])?(\d+)",
            "build.gradle.kts", "build.gradle", "app/build.gradle.kts", "app/build.gradle",
            label="the toolchain",
        )
    )  # fmt: skip
    version, warnings = _java_version(asked)
    return Toolchain("java", Fact("maven" if manifest == "pom.xml" else "gradle", manifest), version, warnings)


def php(workspace: Workspace) -> Toolchain | None:
    """composer.json, or an index.php where a web server looks for one."""
    manifest = workspace.json("composer.json")
    pages = _first_file(
        workspace, "composer.json", "index.php", "public/index.php", "web/index.php", "htdocs/index.php"
    )
    if pages is None:
        return None
    wanted = text_table(table(manifest).get("require")).get("php", "")
    asked = workspace.told.get("version") or (
        Fact(wanted, "require.php in composer.json") if wanted else _asked(workspace, "php", ".php-version", "php")
    )
    version, warnings = _chosen("PHP", asked, PHP_VERSIONS, "8.3")
    manager = Fact("composer", "composer.json") if manifest is not None else Fact("", pages)
    return Toolchain("php", manager, version, warnings)


def ruby(workspace: Workspace) -> Toolchain | None:
    """A Gemfile, config.ru or a gem's specification."""
    manifest = _first_file(workspace, "Gemfile", "config.ru", "gems.rb")
    if manifest is None:
        return None
    stated = _searched(workspace, r"^[ \t]*ruby\s*\(?\s*['\"]([^'\"]+)['\"]", "Gemfile", label="ruby")
    locked = _searched(workspace, r"^RUBY VERSION\s+ruby (\d+\.\d+\.\d+)", "Gemfile.lock", label="RUBY VERSION")
    is_exact = stated is not None and re.fullmatch(r"\d+(?:\.\d+)*", stated.value)
    asked = (
        workspace.told.get("version")
        or (stated if is_exact else None)
        or _asked(workspace, "ruby", ".ruby-version", "ruby")
        or locked
        or stated
    )
    version, warnings = _chosen("Ruby", asked, RUBY_VERSIONS, "3.3", keeps_patch=True)
    return Toolchain("ruby", Fact("bundler", manifest), version, warnings)


def deno(workspace: Workspace) -> Toolchain | None:
    """deno.json, its lockfile, or a program that imports from where only Deno does."""
    manifest = _first_file(workspace, "deno.json", "deno.jsonc", "deno.lock") or _deno_program(workspace)
    if manifest is None:
        return None
    asked = workspace.told.get("version") or _asked(workspace, "deno", ".dvmrc", "deno")
    exact = re.match(r"^v?(\d+(?:\.\d+){0,2})$", asked.value) if asked else None
    version = Fact(exact[1], f"{asked.source} ({asked.value})") if asked and exact else None
    return Toolchain("deno", Fact("deno", manifest), version or Fact("2", "default: the repository names no version"))


def dotnet(workspace: Workspace) -> Toolchain | None:
    """A project or solution of .NET."""
    projects = workspace.glob("*.{csproj,fsproj,vbproj}") + workspace.glob("*/*.{csproj,fsproj,vbproj}")
    projects += workspace.glob("src/*/*.{csproj,fsproj,vbproj}")
    manifest = next(iter((*workspace.glob("*.{csproj,fsproj,vbproj}"), *workspace.glob("*.{sln,slnx}"))), None)
    if manifest is None or not projects:
        return None
    asked = (
        workspace.told.get("version")
        or _searched(workspace, r"<TargetFrameworks?>\s*net(?:coreapp)?(\d+\.\d+)", *projects, label="TargetFramework")
        or _searched(workspace, r"\"version\"\s*:\s*\"(\d+\.\d+)", "global.json", label="sdk.version")
    )
    version, warnings = _chosen(".NET", asked, DOTNET_VERSIONS, "8.0")
    return Toolchain("dotnet", Fact("nuget", manifest), version, warnings)


def elixir(workspace: Workspace) -> Toolchain | None:
    """mix.exs."""
    if not workspace.exists("mix.exs"):
        return None
    asked = workspace.told.get("version") or (
        _asked(workspace, "elixir", ".elixir-version", "elixir")
        or _searched(workspace, r"^[ \t]*elixir_version\s*=\s*(\S+)", "elixir_buildpack.config", label="elixir_version")
        or _searched(workspace, r"\belixir:\s*\"([^\"]+)\"", "mix.exs", label="elixir")
    )
    version, warnings = _chosen("Elixir", asked, ELIXIR_VERSIONS, "1.18")
    return Toolchain("elixir", Fact("mix", "mix.exs"), version, warnings)


LANGUAGES: tuple[Callable[[Workspace], Toolchain | None], ...] = (go, rust, java, php, ruby, deno, dotnet, elixir)


def _deno_program(workspace: Workspace) -> str | None:
    if workspace.exists("package.json"):
        return None
    pattern = re.compile(r"from\s+['\"](?:https://deno\.land/|jsr:|npm:)|\bDeno\.(?:serve|listen|env|args)\b")
    places = workspace.glob("*.ts") + workspace.glob("src/*.ts") + workspace.glob("*.js")
    return next((path for path in places[:40] if pattern.search(workspace.read_text(path, 100_000) or "")), None)


def _first_file(workspace: Workspace, *names: str) -> str | None:
    return next((name for name in names if workspace.exists(name)), None)


def _searched(workspace: Workspace, pattern: str, *paths: str, label: str) -> Fact | None:
    """The first group of a pattern in the first of these files that has it, with its line."""
    for path in paths:
        text = workspace.read_text(path) or ""
        found = re.search(pattern, text, re.MULTILINE)
        if found:
            return Fact(found[1].strip()[:80], f"{label} in {path}:{text.count(chr(10), 0, found.start(1)) + 1}")
    return None


def _asked(workspace: Workspace, language: str, file: str, *tools: str) -> Fact | None:
    """What a version file of this language, or one of all languages, asks for."""
    for line in (workspace.read_text(file) or "").splitlines():
        text = line.split("#")[0].strip().removeprefix(f"{language}-")
        if text:
            return Fact(text[:80], file)
    for number, line in enumerate((workspace.read_text(".tool-versions") or "").splitlines(), 1):
        words = line.split("#")[0].split()
        if len(words) > 1 and words[0] in tools:
            return Fact(words[1][:80], f"{words[0]} in .tool-versions:{number}")
    for name in ("mise.toml", ".mise.toml"):
        entries = table(table(workspace.toml(name)).get("tools"))
        for tool in tools:
            wanted = entries.get(tool)
            if isinstance(wanted, str | int | float) and str(wanted).strip():
                return Fact(str(wanted)[:80], f"tools.{tool} in {name}")
    return None


def _rust_channel(workspace: Workspace) -> Fact | None:
    channel = text_table(table(table(workspace.toml("rust-toolchain.toml")).get("toolchain"))).get("channel")
    if channel:
        return Fact(channel[:80], "toolchain.channel in rust-toolchain.toml")
    line = next(iter((workspace.read_text("rust-toolchain") or "").split()), "")
    return Fact(line[:80], "rust-toolchain") if re.fullmatch(r"[\w.-]+", line) else None


def _java_version(asked: Fact | None) -> tuple[Fact, tuple[PlanWarning, ...]]:
    """The oldest supported release that is not older than what is asked for."""
    if asked is None:
        return Fact("21", "default: the repository names no version"), ()
    found = re.search(r"(?:^|[^\d.])(?:1\.)?(\d{1,2})(?!\d)", asked.value)
    source = f"{asked.source} ({asked.value})"
    if found is None:
        if asked.value.lower() in _NEWEST:
            return Fact("21", source), ()
        return Fact("21", source), (_unavailable("Java", asked, "21", JAVA_VERSIONS),)
    used = next((release for release in reversed(JAVA_VERSIONS) if int(release) >= int(found[1])), JAVA_VERSIONS[0])
    same = used == found[1]
    return Fact(used, source), (() if same else (_unavailable("Java", asked, used, JAVA_VERSIONS),))


def _chosen(
    language: str, asked: Fact | None, supported: tuple[str, ...], default: str, *, keeps_patch: bool = False
) -> tuple[Fact, tuple[PlanWarning, ...]]:
    """The release to use: the default where a range allows it, else the newest that does, else the nearest."""
    if asked is None:
        return Fact(default, "default: the repository names no version"), ()
    source = f"{asked.source} ({asked.value})"
    if asked.value.lower() in _NEWEST:
        return Fact(default, source), ()
    exact = re.fullmatch(r"[v=\s]*(\d+)(?:\.(\d+))?(\.\d+)?(?:[-+.p].*)?", asked.value)
    if exact:
        wanted = f"{exact[1]}.{exact[2] or 0}"
        if wanted in supported:
            return Fact(f"{wanted}{exact[3]}" if keeps_patch and exact[3] else wanted, source), ()
    else:
        range_ = _as_npm_range(asked.value)
        inside = [release for release in (default, *supported) if _allows(range_, release)]
        if inside:
            return Fact(inside[0], source), ()
    nearest = _nearest(asked.value, supported) or default
    return Fact(nearest, source), (_unavailable(language, asked, nearest, supported),)


def _as_npm_range(wanted: str) -> str:
    """Composer's, RubyGems' and Mix's ways of writing a range, in npm's words."""
    return " || ".join(" ".join(_parts(choice)) for choice in re.split(r"\s*\|\|?\s*|\s+or\s+", wanted.strip()))


def _parts(choice: str) -> Iterator[str]:
    for part in re.split(r"\s*,\s*|\s+and\s+|\s+(?=[<>=~^!])", choice):
        pessimistic = re.fullmatch(r"~>\s*(\d+)\.(\d+)(\.\d+)?\S*", part)
        loose = re.fullmatch(r"~(\d+)\.(\d+)", part)
        if pessimistic:
            major, minor = int(pessimistic[1]), int(pessimistic[2])
            last = f"{major}.{minor + 1}.0" if pessimistic[3] else f"{major + 1}.0.0"
            yield f">={major}.{minor}.0 <{last}"
        elif loose:
            yield f">={loose[1]}.{loose[2]}.0 <{int(loose[1]) + 1}.0.0"
        else:
            yield part


def _allows(range_: str, release: str) -> bool:
    try:
        return any(nodesemver.satisfies(f"{release}.{patch}", range_, loose=True) for patch in (0, 99))
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, RecursionError):
        return False


def _nearest(wanted: str, supported: tuple[str, ...]) -> str | None:
    found = re.search(r"(\d{1,4})(?:\.(\d{1,4}))?", wanted)
    if found is None:
        return None
    place = (int(found[1]), int(found[2] or 0))

    def distance(release: str) -> tuple[int, int]:
        major, _, minor = release.partition(".")
        return abs(int(major) - place[0]), abs(int(minor or 0) - place[1])

    return min(supported, key=distance)


def _unavailable(language: str, asked: Fact, used: str, supported: tuple[str, ...]) -> PlanWarning:
    return PlanWarning(
        "version-unavailable",
        f"{asked.source} asks for {language} {asked.value!r}, for which there is no image; {used} is used instead.",
        f"Ask for one of {', '.join(reversed(supported))}.",
    )
