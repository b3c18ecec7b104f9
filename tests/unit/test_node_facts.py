"""What package.json and its neighbours say: versions, package managers, start commands, ports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from workspace import Workspace, node_entry, node_facts, node_packages, open_folder


def folder(path: Path, files: Mapping[str, str | dict[str, Any]]) -> Workspace:
    for name, content in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return open_folder(path)


@pytest.mark.parametrize(
    ("asked", "major"),
    [
        ("22.x", "22"),
        (">=18.0.0", "24"),
        (">=18.0.0 <=20.x.x", "20"),
        ("^18.17.0 || ^20.3.0 || >=21.0.0", "24"),
        ("22.12.0", "22"),
        ("~20.5", "20"),
        ("<22.3.0", "22"),
        ("v20.9.0", "20"),
        ("lts/iron", "20"),
        ("lts/*", "24"),
        ("20", "20"),
        ("*", "24"),
    ],
)
def test_a_range_means_the_newest_supported_release_in_it(tmp_path: Path, asked: str, major: str) -> None:
    workspace = folder(tmp_path, {"package.json": {"engines": {"node": asked}}})
    version, warnings = node_facts.version(workspace)
    assert (version.value, version.source) == (major, f"engines.node in package.json ({asked})")
    assert not warnings


@pytest.mark.parametrize(
    ("asked", "used"), [("v14.18.1", "18"), ("16.x", "18"), ("23", "24"), ("30", "24"), ("some_invalid_version", "22")]
)
def test_a_version_that_is_not_to_be_had_is_replaced_by_the_nearest_and_said(
    tmp_path: Path, asked: str, used: str
) -> None:
    version, warnings = node_facts.version(folder(tmp_path, {"package.json": {}, ".nvmrc": f"{asked}\n"}))
    assert version.value == used
    assert [warning.code for warning in warnings] == ["version-unavailable"]
    assert asked in warnings[0].message


def test_engines_beat_version_files_and_those_beat_tool_versions(tmp_path: Path) -> None:
    files: dict[str, Any] = {".tool-versions": "nodejs 18.0.0", "package.json": {}}
    assert node_facts.version(folder(tmp_path, files))[0].value == "18"
    assert node_facts.version(folder(tmp_path, {".nvmrc": "# pinned\n20"}))[0].source == ".nvmrc (20)"
    assert (
        node_facts.version(folder(tmp_path / "e", {"package.json": {"engines": {"node": "22"}}, ".nvmrc": "20"}))[
            0
        ].value
        == "22"
    )


@pytest.mark.parametrize(
    ("engines", "pin", "major"),
    [(">=18", "20.11.1", "20"), (">=18", "v16", "24"), ("^18 || ^20", "22", "20"), ("22.x", "22.3.0", "22")],
)
def test_the_pinned_release_is_taken_where_engines_leave_the_choice_to_it(
    tmp_path: Path, engines: str, pin: str, major: str
) -> None:
    files: dict[str, Any] = {"package.json": {"engines": {"node": engines}}, ".nvmrc": pin}
    assert node_facts.version(folder(tmp_path, files))[0].value == major


def test_without_any_word_the_default_is_used_and_said(tmp_path: Path) -> None:
    version, _ = node_facts.version(folder(tmp_path, {"package.json": {}}))
    assert version.value == "22"
    assert version.source.startswith("default")


@pytest.mark.parametrize(
    ("files", "name", "tool", "install"),
    [
        ({"package-lock.json": "{}"}, "npm", "", "npm ci"),
        ({}, "npm", "", "npm install"),
        ({"pnpm-lock.yaml": "lockfileVersion: '9.0'"}, "pnpm", "pnpm@9", "pnpm install --frozen-lockfile"),
        ({"pnpm-lock.yaml": "lockfileVersion: '6.0'"}, "pnpm", "pnpm@8", "pnpm install --frozen-lockfile"),
        ({"pnpm-lock.yaml": "lockfileVersion: 5.4"}, "pnpm", "pnpm@7", "pnpm install --frozen-lockfile"),
        (
            {"yarn.lock": "# yarn lockfile v1"},
            "yarn",
            "yarn@1.22.22",
            "yarn install --frozen-lockfile --ignore-engines",
        ),
        ({"yarn.lock": "__metadata:\n  version: 8"}, "yarn", "@yarnpkg/cli-dist@4.9", "yarn install --immutable"),
        ({"yarn.lock": "__metadata:\n  version: 6"}, "yarn", "@yarnpkg/cli-dist@3", "yarn install --immutable"),
        ({"bun.lock": "{}"}, "bun", "bun@1", "bun install --frozen-lockfile"),
    ],
)
def test_the_lockfile_names_the_package_manager(
    tmp_path: Path, files: dict[str, str], name: str, tool: str, install: str
) -> None:
    manager = node_packages.package_manager(folder(tmp_path, {"package.json": {}, **files}))
    assert (manager.name, manager.package, manager.install) == (name, tool, install)


def test_the_field_beats_the_lockfile_and_its_hash_is_dropped(tmp_path: Path) -> None:
    files = {"package.json": {"packageManager": "pnpm@9.0.3+sha256.abc"}, "yarn.lock": "", "pnpm-lock.yaml": ""}
    manager = node_packages.package_manager(folder(tmp_path, files))
    assert (manager.package, manager.source) == ("pnpm@9.0.3", "packageManager in package.json")
    assert "several-lockfiles" in [warning.code for warning in manager.warnings]


@pytest.mark.parametrize(
    ("files", "package"),
    [
        ({"package.json": {"engines": {"pnpm": "8.15.9"}}}, "pnpm@8.15.9"),
        ({"package.json": {"engines": {"pnpm": "11.5.x"}}, "pnpm-lock.yaml": "lockfileVersion: '9.0'"}, "pnpm@11.5.x"),
        ({"package.json": {"engines": {"pnpm": "8"}}, "pnpm-lock.yaml": "lockfileVersion: '9.0'"}, "pnpm@9"),
        ({"package.json": {"engines": {"pnpm": "999.x"}}, "pnpm-lock.yaml": "lockfileVersion: '6.0'"}, "pnpm@8"),
        ({"package.json": {"engines": {"pnpm": ">=8; rm -rf /"}}, "pnpm-lock.yaml": "lockfileVersion: 9"}, "pnpm@9"),
        ({"package.json": {"engines": {"yarn": "4.4.1"}}, ".yarnrc.yml": ""}, "@yarnpkg/cli-dist@4.4.1"),
        ({"package.json": {}, ".yarnrc.yml": "yarnPath: .yarn/releases/yarn-3.2.4.cjs"}, "@yarnpkg/cli-dist@3.2.4"),
        ({"package.json": {}, "bun.lock": "{}", ".bun-version": "1.3.14\n"}, "bun@1.3.14"),
    ],
)
def test_the_package_managers_own_release_is_the_one_that_the_repository_names(
    tmp_path: Path, files: dict[str, Any], package: str
) -> None:
    assert node_packages.package_manager(folder(tmp_path, files)).package == package


def test_a_field_that_is_a_command_is_not_believed(tmp_path: Path) -> None:
    manager = node_packages.package_manager(folder(tmp_path, {"package.json": {"packageManager": "pnpm@9; rm -rf /"}}))
    assert manager.name == "npm"


@pytest.mark.parametrize(
    ("lockfile", "text"),
    [
        ("package-lock.json", '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.2.0"}}}'),
        ("yarn.lock", '# yarn lockfile v1\n\na@^1.0.0:\n  version "1.2.0"\n'),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        specifier: ^1.0.0\n        version: 1.2.0\n\npackages:\n",
        ),
    ],
)
def test_a_lockfile_that_does_not_know_a_dependency_is_passed_over_and_said(
    tmp_path: Path, lockfile: str, text: str
) -> None:
    fits = folder(tmp_path / "fits", {"package.json": {"dependencies": {"a": "^1.0.0"}}, lockfile: text})
    assert not node_packages.package_manager(fits).warnings
    stale = folder(
        tmp_path / "stale", {"package.json": {"dependencies": {"a": "^1.0.0", "b": "^2.0.0"}}, lockfile: text}
    )
    manager = node_packages.package_manager(stale)
    assert [warning.code for warning in manager.warnings] == ["lockfile-out-of-sync"]
    assert manager.install == manager.install_unlocked
    assert "'b'" in manager.warnings[0].message


def test_a_locked_version_outside_the_range_is_out_of_sync_for_npm(tmp_path: Path) -> None:
    lock = {"packages": {"node_modules/a": {"version": "1.2.0"}}}
    workspace = folder(tmp_path, {"package.json": {"dependencies": {"a": "^2.0.0"}}, "package-lock.json": lock})
    assert node_packages.package_manager(workspace).install == "npm install"


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"scripts": {"postinstall": "prisma generate"}}, True),
        ({"scripts": {"prepare": "husky"}}, False),
        ({"scripts": {"prepare": "husky install || true"}}, False),
        ({"dependencies": {"mine": "file:./mine"}}, True),
        ({"workspaces": ["packages/*"]}, True),
        ({"dependencies": {"express": "^5"}}, False),
    ],
)
def test_source_precedes_the_installation_only_where_it_must(
    tmp_path: Path, fields: dict[str, Any], needs: bool
) -> None:
    assert bool(node_facts.why_install_needs_source(folder(tmp_path, {"package.json": fields}))) is needs


@pytest.mark.parametrize(
    ("fields", "files", "command"),
    [
        ({"scripts": {"start": "node a.js"}}, {}, "node a.js"),
        ({"scripts": {"start": "node a.js", "prestart": "x"}}, {}, "npm run start"),
        ({"scripts": {"start": "npm run migrate && node a.js"}}, {}, "npm run start"),
        ({"main": "src/index.js"}, {"src/index.js": ""}, "node src/index.js"),
        ({"main": "inbex.js"}, {"index.js": ""}, "node index.js"),
        ({"main": "lib/app"}, {"lib/app.js": ""}, "node lib/app.js"),
        ({"main": "dist/index.js", "scripts": {"build": "tsc"}}, {}, "node dist/index.js"),
        ({}, {"app.js": "", "index.js": ""}, "node app.js"),
        (
            {"scripts": {"build": "tsc"}},
            {"src/main.ts": "x.listen(1)", "tsconfig.json": '{"compilerOptions": {"outDir": "./dist"}}'},
            "node dist/main.js",
        ),
        ({"scripts": {"start": "vite"}}, {}, None),
        ({}, {}, None),
        ({"main": "../../etc/passwd"}, {}, None),
    ],
)
def test_the_start_command_is_found(
    tmp_path: Path, fields: dict[str, Any], files: dict[str, str], command: str | None
) -> None:
    start = node_entry.find_start(folder(tmp_path, {"package.json": fields, **files}))
    assert (start.command if start else None) == command


@pytest.mark.parametrize(
    "script",
    [
        "vite",
        "ng serve",
        "react-scripts start",
        "vue-cli-service serve --open",
        "astro dev",
        "next dev",
        "nest start --watch",
        "webpack serve",
        "parcel index.html",
    ],
)
def test_dev_servers_are_known(script: str) -> None:
    assert node_entry.is_dev_server(script)


@pytest.mark.parametrize(
    "script", ["node server.js", "vite build && node s.js", "next start", "parcel build x", "nuxt start"]
)
def test_what_is_no_dev_server_is_not_taken_for_one(script: str) -> None:
    assert not node_entry.is_dev_server(script)


@pytest.mark.parametrize(
    ("source", "port"),
    [
        ("app.listen(process.env.PORT || 8080)", "8080"),
        ("app.listen(5005)", "5005"),
        ("const port = Number(process.env.PORT ?? 4321);\nserver.listen(port)", "4321"),
        ("const PORT = 3001\napp.listen(PORT)", "3001"),
        ("fastify.listen({ port: 3100, host: '0.0.0.0' })", "3100"),
        ("app.listen(process.env.PORT)", None),
    ],
)
def test_the_port_is_read_from_the_entry_file(tmp_path: Path, source: str, port: str | None) -> None:
    heard = node_entry.listening(folder(tmp_path, {"package.json": {}, "server.js": source}), "node server.js")
    assert heard.listens
    assert (heard.port.value if heard.port else None) == port


def test_a_development_dependency_that_the_source_uses_is_noticed(tmp_path: Path) -> None:
    fields = {"devDependencies": {"express": "5", "jest": "29"}}
    workspace = folder(tmp_path, {"package.json": fields, "server.js": "const e = require('express')"})
    assert node_entry.development_tools_at_run(workspace, "node server.js") == "express in server.js"


def test_broken_manifests_are_as_good_as_none(tmp_path: Path) -> None:
    workspace = folder(tmp_path, {"package.json": '{"scripts": ["x"], "engines": 7, "dependencies": {"a": 1}}'})
    assert node_facts.scripts(workspace) == {}
    assert node_facts.dependencies(workspace) == {}
    assert node_facts.version(workspace)[0].value == "22"


def test_a_start_that_only_drives_a_development_server_is_passed_over(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "package.json": {"scripts": {"start": "npm run build && node scripts/start.js"}},
        "scripts/start.js": "require('concurrently')(['browser-sync dist -w'])",
    }
    assert node_entry.find_start(folder(tmp_path, files)) is None


def test_a_program_in_another_language_than_javascript_does_not_say_that_nothing_listens(tmp_path: Path) -> None:
    files: dict[str, Any] = {"package.json": {}, "index.wisp": "(listen 3000)"}
    assert node_entry.listening(folder(tmp_path, files), "wisp -r ./index.wisp").listens is None


@pytest.mark.parametrize(
    ("command", "is_all"),
    [
        ("serve -s build", True),
        ("yarn build && yarn files", True),
        ("npm run build && npx http-server dist -p 5001", True),
        ("yarn build && yarn api", False),
        ("yarn files && node server.js", False),
    ],
)
def test_building_and_serving_files_is_nothing_but_serving_files(command: str, is_all: bool) -> None:
    scripts = {"files": "npx http-server build -a localhost", "api": "node server.js", "build": "vite build"}
    assert node_entry.serves_files_only(command, scripts) is is_all
