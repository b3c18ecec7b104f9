"""Rust: one binary of the crate or workspace, built for release with a kept cache."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from dockerfile_templates.procfile_binary import told_for
from domain import Kind, Plan
from workspace import Workspace, listening, toolchains
from workspace.facts import Fact, table, text_table

NAME = "rust"

# crate → (framework, its usual port)
_FRAMEWORKS = {
    "rocket": ("rocket", 8000),
    "axum": ("axum", 3000),
    "actix-web": ("actix", 8080),
    "warp": ("warp", 3030),
    "poem": ("poem", 3000),
    "salvo": ("salvo", 8080),
    "tide": ("tide", 8080),
    "hyper": ("hyper", 3000),
    "tiny_http": ("tiny_http", 8000),
    "rouille": ("rouille", 8000),
    "tonic": ("tonic", 50051),
}
_PORTS = (
    r"PORT\"[^;]{0,120}?\"?(\d{4,5})",
    r"(?:0,\s*0,\s*0,\s*0|127,\s*0,\s*0,\s*1)\]\s*,\s*(\d{2,5})",
    r"\"(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\]):(\d{2,5})",
    r"\"(?:0\.0\.0\.0|127\.0\.0\.1|localhost)\"\s*,\s*(\d{2,5})",
    r"^[ \t]*serve\([^;\n]*,\s*(\d{4,5})\)",
    r"\bport\s*[:=]\s*(?:u16\s*=\s*)?(\d{4,5})\b",
)
_USUAL_NAMES = ("server", "web", "api", "app", "main")


def matches(workspace: Workspace) -> bool:
    """Whether Cargo.toml describes a crate or workspace that has a program."""
    return toolchains.rust(workspace) is not None and bool(_binaries(workspace))


def plan(workspace: Workspace) -> Plan:
    """Build the default binary, else the one that sounds like a server."""
    toolchain = toolchains.rust(workspace)
    assert toolchain is not None, "plan() follows matches()"  # noqa: S101
    binary, *others = _binaries(workspace)
    locked = " --locked" if workspace.exists("Cargo.lock") else ""
    build = Fact(f"cargo build --release{locked} --bin {binary.value}", binary.source)
    crate = next((name for name in _FRAMEWORKS if name in _dependencies(workspace)), None)
    is_rocket = crate == "rocket"
    start = f"env ROCKET_ADDRESS=0.0.0.0 ROCKET_PORT=$PORT {binary.value}" if is_rocket else binary.value
    needs_ssl = bool(
        re.search(r'name = "(?:openssl-sys|native-tls)"', workspace.read_text("Cargo.lock") or "")
    ) or bool({"openssl", "native-tls", "reqwest"} & _dependencies(workspace))
    return plan_of(
        workspace,
        Draft(
            name=NAME,
            kind=Kind.RUST,
            toolchain=toolchain,
            source="Cargo.toml",
            start=told_for(workspace, binary.value) or Fact(start, binary.source),
            is_start_fixed=True,
            framework=Fact(_FRAMEWORKS[crate][0], f"{crate} in Cargo.toml") if crate else None,
            build=build,
            port=_port(workspace, crate),
            args={
                "RUST_IMAGE": f"rust:{toolchain.version.value}-slim-bookworm",
                "BUILD_PACKAGES": "pkg-config libssl-dev" if needs_ssl else "",
                "RUN_PACKAGES": "ca-certificates" + (" libssl3" if needs_ssl else ""),
                "BUILD": build.value,
                "BINARY": binary.value,
            },
            candidates=tuple(other.value for other in others),
        ),
    )


def _crates(workspace: Workspace) -> list[str]:
    """The folders of the crates: the root, then a workspace's members."""
    members = table(table(workspace.toml("Cargo.toml")).get("workspace")).get("members")
    patterns = [entry.strip("/") for entry in members if isinstance(entry, str)] if isinstance(members, list) else []
    inner = [path.rpartition("/")[0] for pattern in patterns for path in workspace.glob(f"{pattern}/Cargo.toml")]
    return ["", *dict.fromkeys(folder for folder in inner if folder)][:40]


def _binaries(workspace: Workspace) -> list[Fact]:
    """The names of the programs that Cargo would build, the likeliest first."""
    found: list[Fact] = []
    for folder in _crates(workspace):
        prefix = f"{folder}/".lstrip("/")
        manifest = table(workspace.toml(f"{prefix}Cargo.toml"))
        package = text_table(manifest.get("package"))
        source = f"package.name in {prefix}Cargo.toml"
        if package.get("default-run"):
            found.insert(0, Fact(package["default-run"], f"package.default-run in {prefix}Cargo.toml"))
        bins = manifest.get("bin")
        for entry in bins if isinstance(bins, list) else []:
            name = text_table(entry).get("name")
            found += [Fact(name, f"bin.name in {prefix}Cargo.toml")] if name else []
        if package.get("name") and workspace.exists(f"{prefix}src/main.rs"):
            found.append(Fact(package["name"], source))
        paths = workspace.glob(f"{prefix}src/bin/*.rs") + workspace.glob(f"{prefix}src/bin/*/main.rs")
        inner = (path.removeprefix(f"{prefix}src/bin/") for path in paths)
        found += [Fact(path.split("/")[0].removesuffix(".rs"), f"{prefix}src/bin/{path}") for path in inner]
    unique = {fact.value: fact for fact in reversed(found) if re.fullmatch(r"[\w-]+", fact.value)}
    ordered = [fact for fact in dict.fromkeys(found) if unique.get(fact.value) is fact]
    return sorted(ordered, key=_rank)


def _rank(binary: Fact) -> int:
    if "default-run" in binary.source:
        return -2
    if binary.source == "package.name in Cargo.toml":
        return -1
    return _USUAL_NAMES.index(binary.value) if binary.value in _USUAL_NAMES else len(_USUAL_NAMES)


def _dependencies(workspace: Workspace) -> set[str]:
    tables = [table(workspace.toml(f"{folder}/Cargo.toml".lstrip("/"))) for folder in _crates(workspace)]
    return {name for manifest in tables for name in table(manifest.get("dependencies"))}


def _port(workspace: Workspace, crate: str | None) -> Fact | None:
    settings = table(workspace.toml("Rocket.toml"))
    for profile in ("release", "global", "default"):
        port = table(settings.get(profile)).get("port")
        if isinstance(port, int) and 0 < port < 65536:
            return Fact(str(port), f"{profile}.port in Rocket.toml")
    paths = listening.sources(workspace, ".rs")
    literal = listening.port_in(workspace, paths, *_PORTS)
    if crate:
        return literal or Fact(str(_FRAMEWORKS[crate][1]), f"usual for {crate}")
    if literal and listening.first_mention(workspace, paths, r"TcpListener::bind"):
        return literal
    reads = listening.first_mention(workspace, paths, r"env::var(?:_os)?\(\s*\"PORT\"")
    return Fact("8080", f"default: PORT is read in {reads.source}") if reads else None
