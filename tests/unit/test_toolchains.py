"""What repositories in other languages say of their version, and which release is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workspace import Workspace, open_folder, toolchains
from workspace.toolchains import Toolchain

GEMFILE = "source 'https://rubygems.org'\nruby '{}'\n"


def found(folder: Path, files: dict[str, str], language: Callable[[Workspace], Toolchain | None]) -> Toolchain:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    toolchain = language(open_folder(folder))
    assert toolchain is not None
    return toolchain


@pytest.mark.parametrize(
    ("language", "files", "version", "source"),
    [
        (toolchains.go, {"go.mod": "module a\n\ngo 1.22.3\n"}, "1.22", "go in go.mod:3 (1.22.3)"),
        (toolchains.go, {"go.mod": "module a", ".tool-versions": "golang 1.21"}, "1.21", "golang in .tool-versions:1 (1.21)"),
        (toolchains.rust, {"Cargo.toml": "", "mise.toml": '[tools]\nrust = "latest"'}, "1", "tools.rust in mise.toml (latest)"),
        (toolchains.elixir, {"mix.exs": "", "mise.toml": '[tools]\nelixir = "latest"'}, "1.18",
         "tools.elixir in mise.toml (latest)"),
        (toolchains.ruby, {"Gemfile": "ruby '>= 3.2', '< 4.0'", "Gemfile.lock": "RUBY VERSION\n   ruby 3.4.9"}, "3.4.9",
         "RUBY VERSION in Gemfile.lock:2 (3.4.9)"),
        (toolchains.go, {"main.go": "package main"}, "1.24", "default: the repository names no version"),
        (toolchains.rust, {"Cargo.toml": "", "rust-toolchain.toml": '[toolchain]\nchannel = "1.75"'}, "1.75",
         "toolchain.channel in rust-toolchain.toml (1.75)"),
        (toolchains.java, {"pom.xml": "<p><java.version>17</java.version></p>"}, "17", "the compiler's release in pom.xml:1 (17)"),
        (toolchains.java, {"pom.xml": "<p>\n<source>1.8</source></p>"}, "8", "the compiler's release in pom.xml:2 (1.8)"),
        (toolchains.java, {"build.gradle": "sourceCompatibility = '11'"}, "11", "the toolchain in build.gradle:1 (11)"),
        (toolchains.java, {"pom.xml": "", "system.properties": "java.runtime.version=11\n"}, "11",
         "java.runtime.version in system.properties:1 (11)"),
        (toolchains.php, {"composer.json": '{"require": {"php": "^8.1"}}'}, "8.3", "require.php in composer.json (^8.1)"),
        (toolchains.php, {"composer.json": '{"require": {"php": ">=7.4 <8.2"}}'}, "8.1",
         "require.php in composer.json (>=7.4 <8.2)"),
        (toolchains.ruby, {"Gemfile": GEMFILE.format("3.1.2")}, "3.1.2", "ruby in Gemfile:2 (3.1.2)"),
        (toolchains.ruby, {"Gemfile": GEMFILE.format("~> 3.2.0")}, "3.2", "ruby in Gemfile:2 (~> 3.2.0)"),
        (toolchains.ruby, {"Gemfile": "", ".ruby-version": "ruby-3.1.2\n"}, "3.1.2", ".ruby-version (3.1.2)"),
        (toolchains.dotnet, {"a.csproj": "<TargetFramework>net9.0</TargetFramework>"}, "9.0",
         "TargetFramework in a.csproj:1 (9.0)"),
        (toolchains.elixir, {"mix.exs": '[elixir: "~> 1.14"]'}, "1.18", "elixir in mix.exs:1 (~> 1.14)"),
        (toolchains.deno, {"deno.json": "{}", ".tool-versions": "deno 2.1.4"}, "2.1.4", "deno in .tool-versions:1 (2.1.4)"),
    ],
)  # fmt: skip
def test_a_version_is_read_from_where_it_stands(
    tmp_path: Path, language: Callable[[Workspace], Toolchain | None], files: dict[str, str], version: str, source: str
) -> None:
    toolchain = found(tmp_path, files, language)
    assert (toolchain.version.value, toolchain.version.source) == (version, source)
    assert not toolchain.warnings


@pytest.mark.parametrize(
    ("language", "files", "used"),
    [
        (toolchains.go, {"go.mod": "go 1.99"}, "1.26"),
        (toolchains.java, {"pom.xml": "<release>19</release>"}, "21"),
        (toolchains.php, {"composer.json": '{"require": {"php": "^5.6"}}'}, "7.4"),
        (toolchains.ruby, {"Gemfile": GEMFILE.format("1.9.3")}, "2.7"),
        (toolchains.rust, {"Cargo.toml": "", "rust-toolchain": "nightly-2024-01-01"}, "1"),
        (toolchains.elixir, {"mix.exs": '[elixir: "nonsense"]'}, "1.18"),
    ],
)
def test_a_version_without_an_image_is_replaced_by_the_nearest_and_said(
    tmp_path: Path, language: Callable[[Workspace], Toolchain | None], files: dict[str, str], used: str
) -> None:
    toolchain = found(tmp_path, files, language)
    assert toolchain.version.value == used
    assert [warning.code for warning in toolchain.warnings] == ["version-unavailable"]


def test_a_typescript_file_that_imports_from_where_only_deno_does_is_denos(tmp_path: Path) -> None:
    (tmp_path / "main.ts").write_text('import { serve } from "https://deno.land/std/http/server.ts"\n')
    assert toolchains.deno(open_folder(tmp_path)) is not None
    (tmp_path / "package.json").write_text("{}")
    assert toolchains.deno(open_folder(tmp_path)) is None
